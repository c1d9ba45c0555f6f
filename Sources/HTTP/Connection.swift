internal import CMicroHTTPD
internal import Glibc
internal import Synchronization

/// One client connection and the request that it carries, used again for each request that follows.
///
/// libmicrohttpd calls it on the one thread that serves the connection; everything that is not atomic belongs to that
/// thread. From elsewhere come `resume` (any thread, see `exchangeWord`) and the housekeeper, which reads the clock
/// words and may take the connection down.
final class Connection: @unchecked Sendable {
    /// Where the request on the serving thread stands.
    enum Stage {
        /// No request, or one whose headers are not all in.
        case headers
        /// The body is being read.
        case body
        /// The body is being thrown away; the answer is `reply`.
        case discarding
        /// The handler has asked to answer later; the library has yet to be told.
        case suspending
        /// The library does not call until the exchange is resumed.
        case suspended
        /// The answer has been handed to the library, or sent past it.
        case answered
    }

    let server: ServerCore
    unowned let worker: Worker
    /// The library's connection; valid from start to close.
    let handle: OpaquePointer
    let socket: Int32

    var stage = Stage.headers
    var method = HTTPMethod.other
    var methodName = ""
    var framing = Framing()
    var limit = 0
    var body = ByteStore()
    /// The body's part in the server's `bufferedBytes`.
    var countedBytes = 0
    var receivedBodyBytes = 0
    var discardedBytes = 0
    var inflater: Inflater?
    var isAdmitted = false
    var admissionContext: (any AnyObject & Sendable)?
    var knownHead = KnownHead()
    /// Whether ``origin`` is that of the head that is known, and not of one that came in between.
    var isOriginOfKnownHead = false

    /// The answer, set by the serving thread or, before it marks the exchange ready, by `resume`.
    var reply: HTTPResponse?
    /// Makes the answer on the serving thread, set in place of `reply` by `resume`.
    var replyMaker: (@Sendable () -> HTTPResponse)?
    var sentStatus = 0
    var sentBytes = 0
    var sentTag = 0
    var sentContext: (any AnyObject & Sendable)?
    var startNanoseconds = 0

    private var target = ByteStore()
    private var path = 0..<0
    private var query = 0..<0
    var isTargetValid = false

    /// The request's `Origin`, for the server's own errors; they may come from any thread.
    private let originHeader = Mutex<String?>(nil)
    var origin: String? { originHeader.withLock { $0 } }

    /// Phase and its start for the housekeeper; see `Connection+Clock.swift`.
    let phaseWord = Atomic<UInt64>(0)
    let lastByteMilliseconds = Atomic<UInt64>(0)
    let progressBytes = Atomic<Int>(0)
    /// The housekeeper has answered 408.
    let isTimedOut = Atomic<Bool>(false)

    /// The exchange's number and flags; see `Connection+Exchange.swift`.
    let exchangeWord = Atomic<UInt64>(0)

    init(server: ServerCore, worker: Worker, handle: OpaquePointer, socket: Int32) {
        self.server = server
        self.worker = worker
        self.handle = handle
        self.socket = socket
        enter(.headers)
    }

    // MARK: The request line

    /// Takes over the target before the library changes it.
    func beginRequest(_ target: UnsafePointer<CChar>) {
        startNanoseconds = monotonicNanoseconds()
        stage = .headers
        isAdmitted = false
        admissionContext = nil
        framing = Framing()
        method = .other
        methodName = ""
        reply = nil
        replyMaker = nil
        sentStatus = 0
        sentBytes = 0
        sentTag = 0
        sentContext = nil
        receivedBodyBytes = 0
        discardedBytes = 0
        isTargetValid = false
        path = 0..<0
        query = 0..<0
        self.target.clear(keeping: 4096)
        let count = strlen(target)
        guard self.target.append(UnsafeRawBufferPointer(start: target, count: count)) else { return }
        if let mark = memchr(target, Int32(UInt8(ascii: "?")), count) {
            ff_mhd_hide_query(target, UnsafeRawPointer(mark) - UnsafeRawPointer(target))
        }
        guard let parts = RequestTarget.split(self.target.bytes) else { return }
        (path, query) = parts
        isTargetValid = true
    }

    var targetCount: Int { target.count }

    func withTarget<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result { body(target.bytes) }

    func withPath<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        body(UnsafeRawBufferPointer(rebasing: target.bytes[path]))
    }

    func withQuery<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        body(UnsafeRawBufferPointer(rebasing: target.bytes[query]))
    }

    func header(_ name: StaticString) -> UnsafeRawBufferPointer? {
        var value: UnsafePointer<CChar>?
        var count = 0
        let found = name.withUTF8Buffer { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                ff_mhd_header(handle, $0.baseAddress, $0.count, &value, &count) == 1
            }
        }
        guard found, let value else { return nil }
        while count > 0, value[count - 1] == 0x20 || value[count - 1] == 0x09 { count -= 1 }
        return UnsafeRawBufferPointer(start: value, count: count)
    }

    func repeatedHeader(among names: HTTPHeaderNames) -> StaticString? {
        names.withNames { list in
            let number = Int(ff_mhd_repeated(handle, list.baseAddress, UInt32(list.count)))
            return names.names.indices.contains(number) ? names.names[number] : nil
        }
    }

    /// Keeps what is needed of the headers when the server answers by itself. Called once they are in.
    func noteOrigin() {
        let origin = header("Origin").map { String(decoding: $0, as: UTF8.self) }
        originHeader.withLock { $0 = origin }
    }

    // MARK: Answers

    /// The server's own error in the product's form.
    func problem(_ status: Int, _ code: String, _ message: String) -> HTTPResponse {
        server.handler.problem(status: status, code: code, message: message, origin: origin)
    }

    /// Hands an answer to the library. Called on the serving thread once the whole request has been read.
    func queue(_ response: HTTPResponse) -> Bool {
        stage = .answered
        note(response)
        guard enter(.sending, expecting: response.body.count) else { return false }
        let made = response.body.withUnsafeBytes { ff_mhd_response($0.baseAddress, $0.count) }
        guard let made else { return false }
        defer { MHD_destroy_response(made) }
        // Not by the conversion that a call makes by itself, which allocates for each text.
        func add(_ name: String, _ value: String) {
            name.withCString { name in value.withCString { value in _ = ff_mhd_add_header(made, name, value) } }
        }
        if let contentType = response.contentType { add("Content-Type", contentType.value) }
        for (name, value) in response.headers { add(name, value) }
        if response.closesConnection || server.isDraining { add("Connection", "close") }
        return ff_mhd_queue(handle, UInt32(sentStatus), made) == 1
    }

    /// Sends an answer past the library and lets the connection end, because part of the request is still unread and
    /// the library would lose the answer with it. The library has nothing of its own to send at this point.
    func answerAndClose(_ response: HTTPResponse) {
        stage = .answered
        note(response)
        server.housekeeper.linger(socket, sending: RawResponse.bytes(of: response, withBody: method != .head))
    }

    func note(_ response: HTTPResponse) {
        sentStatus = response.sendableStatus
        sentBytes = method == .head ? 0 : response.body.count
        sentTag = response.tag
        sentContext = response.context
    }

    /// The exchange is over: tells the handler and makes ready for the next request.
    func finishRequest(isComplete: Bool) {
        abandonExchange()
        if sentStatus == 0 { sentStatus = isTimedOut.load(ordering: .relaxed) ? 408 : Int(ff_mhd_status(handle)) }
        let finished = HTTPFinishedExchange(
            connection: self, status: sentStatus, requestBytes: receivedBodyBytes, responseBytes: sentBytes,
            durationNanoseconds: monotonicNanoseconds() - startNanoseconds, isComplete: isComplete, tag: sentTag,
            context: sentContext)
        server.handler.finished(finished)
        sentContext = nil
        reply = nil
        replyMaker = nil
        stage = .headers
        body.clear(keeping: Self.smallBody)
        countBuffered()
        if let inflater {
            server.recycle(inflater)
            self.inflater = nil
        }
        if isAdmitted {
            isAdmitted = false
            server.activeRequests.subtract(1, ordering: .sequentiallyConsistent)
        }
        enter(.headers)
    }
}
