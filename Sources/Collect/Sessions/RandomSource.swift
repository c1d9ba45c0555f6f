internal import Glibc

/// The system's random numbers, fetched 256 bytes at a time, because a call for each would cost more than a row does.
/// One thread.
final class RandomSource {
    private var numbers = [UInt64](repeating: 0, count: 32)
    private var next = 32

    func callAsFunction() -> UInt64 {
        if next == numbers.count {
            let size = numbers.count * 8
            let failed = numbers.withUnsafeMutableBytes { getentropy($0.baseAddress, size) }
            if failed != 0 {
                var system = SystemRandomNumberGenerator()
                for index in numbers.indices { numbers[index] = system.next() }
            }
            next = 0
        }
        defer { next += 1 }
        return numbers[next]
    }
}
