extension [UInt8] {
    /// Calls `body` with the bytes, and throws just what it throws.
    @inlinable
    public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let outcome = withUnsafeBytes { bytes in
            Swift.Result<Result, Failure> { () throws(Failure) in try body(bytes) }
        }
        return try outcome.get()
    }
}
