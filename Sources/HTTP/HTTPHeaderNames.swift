internal import CMicroHTTPD

/// Names of headers in the form in which they are looked for; made once.
public struct HTTPHeaderNames: Sendable {
    /// The names, whatever their case.
    public let names: [StaticString]
    private let list: List

    private struct List: @unchecked Sendable {
        // Unchecked: what the pointers lead to is part of the program and never changes.
        var names: [ff_mhd_name]
    }

    /// At most 64 names, without further ones.
    public init(_ names: [StaticString]) {
        self.names = Array(names.prefix(64))
        list = List(
            names: self.names.map { name in
                let start = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
                return ff_mhd_name(name: start, size: name.utf8CodeUnitCount)
            })
    }

    func withNames<Result>(_ body: (UnsafeBufferPointer<ff_mhd_name>) -> Result) -> Result {
        list.names.withUnsafeBufferPointer(body)
    }
}
