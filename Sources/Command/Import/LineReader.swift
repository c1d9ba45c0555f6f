internal import Glibc

/// Reads the lines of a file or of standard input through one buffer, about 1 GB/s. Not thread-safe.
final class LineReader {
    /// What a line is.
    enum Line {
        /// Its bytes without the line feed; valid until the next call.
        case text(UnsafeRawBufferPointer)
        /// It is longer than the limit and was passed over.
        case tooLong
    }

    /// Number of the line read last, from 1.
    private(set) var lineNumber = 0
    /// Longest line, in bytes.
    let maximumLineBytes: Int
    private let descriptor: Int32
    private let name: String
    private let size: Int?
    private var consumed = 0
    private var buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0
    private var isAtEnd = false

    /// Opens a file; `-` is standard input. Throws when it cannot be opened or is a folder.
    init(path: String, maximumLineBytes: Int = 4 << 20) throws(CommandError) {
        self.maximumLineBytes = maximumLineBytes
        if path == "-" {
            descriptor = dup(STDIN_FILENO)
            name = "standard input"
        } else {
            descriptor = open(path, O_RDONLY | O_CLOEXEC)
            name = path
        }
        guard descriptor >= 0 else { throw .failure("\(name) cannot be opened: \(systemMessage()).") }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else {
            close(descriptor)
            throw .failure("\(name) is a folder; give a file.")
        }
        size = status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
        buffer = .allocate(byteCount: 256 << 10, alignment: 16)
    }

    deinit {
        buffer.deallocate()
        close(descriptor)
    }

    /// Share of the file that was read; `nil` when it is not a regular file.
    var fraction: Double? {
        guard let size, size > 0 else { return nil }
        return min(Double(consumed - (end - start)) / Double(size), 1)
    }

    /// The next line; `nil` at the end. A byte order mark before the first one is passed over.
    func next() throws(CommandError) -> Line? {
        var searched = start
        var isTooLong = false
        while true {
            if let found = feed(from: searched) {
                let line = UnsafeRawBufferPointer(rebasing: buffer[start..<found])
                start = found + 1
                return finish(line, isTooLong)
            }
            searched = end
            if end - start > maximumLineBytes {
                // What is kept of it is thrown away piece by piece, so that memory stays bounded.
                isTooLong = true
                start = end
            }
            if isAtEnd {
                guard end > start || isTooLong else { return nil }
                let line = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
                start = end
                return finish(line, isTooLong)
            }
            searched -= try fill()
        }
    }

    private func finish(_ line: UnsafeRawBufferPointer, _ isTooLong: Bool) -> Line {
        lineNumber += 1
        if isTooLong || line.count > maximumLineBytes { return .tooLong }
        if lineNumber == 1, line.starts(with: [0xEF, 0xBB, 0xBF]) {
            return .text(UnsafeRawBufferPointer(rebasing: line[3...]))
        }
        return .text(line)
    }

    private func feed(from position: Int) -> Int? {
        guard position < end, let base = buffer.baseAddress,
            let found = memchr(base + position, 10, end - position)
        else { return nil }
        return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }

    /// Reads more; answers by how much the kept bytes moved towards the buffer's beginning.
    private func fill() throws(CommandError) -> Int {
        let moved = start
        if start > 0 {
            if end > start, let base = buffer.baseAddress { memmove(base, base + start, end - start) }
            end -= start
            start = 0
        }
        if end == buffer.count {
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: buffer.count * 2, alignment: 16)
            larger.copyMemory(from: UnsafeRawBufferPointer(buffer))
            buffer.deallocate()
            buffer = larger
        }
        while true {
            let count = read(descriptor, buffer.baseAddress?.advanced(by: end), buffer.count - end)
            if count < 0 {
                if errno == EINTR { continue }
                throw .failure("\(name) cannot be read: \(systemMessage()).")
            }
            isAtEnd = count == 0
            end += count
            consumed += count
            return moved
        }
    }
}

/// The system's words for the last error.
func systemMessage() -> String { String(cString: strerror(errno)) }

/// A line without a carriage return at its end.
func withoutCarriageReturn(_ line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    line.last == 13 ? UnsafeRawBufferPointer(rebasing: line.dropLast()) : line
}

/// Whether bytes are valid UTF-8.
func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
    if bytes.allSatisfy({ $0 < 0x80 }) { return true }
    return String(validating: bytes, as: UTF8.self) != nil
}
