internal import CMicroHTTPD

/// What libmicrohttpd calls. Arguments that are C enums are taken as integers: Swift's import of them is closed, and a
/// newer library may have more values.
enum ServerCallbacks {
    typealias Context = UnsafeMutableRawPointer
    typealias ContextPlace = UnsafeMutablePointer<UnsafeMutableRawPointer?>

    private static func connection(_ context: Context?) -> Connection? {
        context.map { Unmanaged<Connection>.fromOpaque($0).takeUnretainedValue() }
    }

    /// A connection began or ended.
    static let connectionChanged: @convention(c) (Context?, OpaquePointer?, ContextPlace?, UInt32) -> Void = {
        context, handle, place, event in
        guard let context, let handle, let place else { return }
        if event == ff_mhd_connection_started {
            let worker = Unmanaged<Worker>.fromOpaque(context).takeUnretainedValue()
            place.pointee = Unmanaged.passRetained(worker.begin(handle)).toOpaque()
        } else if let stored = place.pointee {
            place.pointee = nil
            let connection = Unmanaged<Connection>.fromOpaque(stored).takeRetainedValue()
            connection.worker.end(connection)
        }
    }

    /// A request line is in. What is returned is the request's context.
    static let targetArrived: @convention(c) (Context?, UnsafePointer<CChar>?, OpaquePointer?) -> Context? = {
        _, target, handle in
        guard let target, let handle, let context = ff_mhd_socket_context(handle) else { return nil }
        connection(context)?.beginRequest(target)
        return context
    }

    /// The target is decoded by us, after it has been split.
    static let keepEscapes: @convention(c) (Context?, OpaquePointer?, UnsafeMutablePointer<CChar>?) -> Int = {
        _, _, text in
        var count = 0
        if let text { while text[count] != 0 { count += 1 } }
        return count
    }

    /// Headers are in, a piece of the body is in, or the request is complete.
    static let requestArrived: MHD_AccessHandlerCallback = { _, _, url, method, version, data, count, place in
        guard let url, let method, let version, let count, let connection = connection(place?.pointee) else {
            return .NO
        }
        let goesOn: Bool
        if connection.stage == .headers {
            goesOn = connection.admit(methodName: method, version: version, url: url)
        } else if let data, count.pointee > 0 {
            goesOn = connection.receive(UnsafeRawBufferPointer(start: data, count: count.pointee))
            if goesOn { count.pointee = 0 }
        } else {
            goesOn = connection.complete()
        }
        return goesOn ? .YES : .NO
    }

    /// A request is over, answered or not.
    static let requestEnded: @convention(c) (Context?, OpaquePointer?, ContextPlace?, UInt32) -> Void = {
        _, _, place, reason in
        guard let place, let connection = connection(place.pointee) else { return }
        place.pointee = nil
        connection.finishRequest(isComplete: reason == ff_mhd_request_completed)
    }
}
