internal import Glibc

/// Where a command writes: results to standard output, all else to standard error.
public struct Console: Sendable {
    /// Whether standard error is a terminal, so that a line can be drawn over.
    public let isErrorTerminal: Bool
    private let writeOutput: @Sendable ([UInt8]) -> Bool
    private let writeError: @Sendable ([UInt8]) -> Void

    /// A console of one's own. `output` answers whether the bytes were taken.
    public init(
        isErrorTerminal: Bool, output: @escaping @Sendable ([UInt8]) -> Bool,
        error: @escaping @Sendable ([UInt8]) -> Void
    ) {
        self.isErrorTerminal = isErrorTerminal
        writeOutput = output
        writeError = error
    }

    /// The process's own.
    public static let process = Console(
        isErrorTerminal: isatty(STDERR_FILENO) == 1,
        output: { write(all: $0, to: STDOUT_FILENO) }, error: { _ = write(all: $0, to: STDERR_FILENO) })

    /// Writes a result. Throws when nobody takes it, because a script must not believe what it did not get.
    public func output(_ bytes: [UInt8]) throws(CommandError) {
        guard writeOutput(bytes) else { throw .failure("Standard output cannot be written.") }
    }

    /// Writes a line of a result.
    public func output(_ line: String) throws(CommandError) { try output(Array((line + "\n").utf8)) }

    /// Writes a line to standard error.
    public func error(_ line: String) { writeError(Array((line + "\n").utf8)) }

    /// Writes text to standard error as it is.
    public func errorText(_ text: String) { writeError(Array(text.utf8)) }
}

extension Console {
    /// Writes all bytes, however often it takes; false when the descriptor refuses them.
    static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool { write(all: bytes, to: descriptor) }
}

private func write(all bytes: [UInt8], to descriptor: Int32) -> Bool {
    bytes.withUnsafeBytes { buffer in
        var written = 0
        while written < buffer.count {
            let count = write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
            if count < 0 {
                if errno == EINTR { continue }
                return false
            }
            written += count
        }
        return true
    }
}
