internal import Glibc

/// The head of the last request that was admitted, kept to know it again: most clients that keep a connection send the same
/// one all the time, and what the handler found out about it need not be found out anew.
struct KnownHead: ~Copyable {
    /// Longer heads are not kept.
    static let most = 2 << 10

    private var head = ByteStore()
    private var target = ByteStore()
    /// Where in the head the body's length stands.
    private var length = 0..<0
    private var context: (any AnyObject & Sendable)?

    /// What a head was admitted with, if it is this one but for the digits of the body's length.
    func context(
        of head: UnsafeRawBufferPointer, target: UnsafeRawBufferPointer, length: Range<Int>
    ) -> (any AnyObject & Sendable)? {
        // The target by itself: what the library is not to see of it has been written over in the head.
        let known = self.head.bytes
        let isKnown =
            self.length == length && same(known.prefix(length.lowerBound), head.prefix(length.lowerBound))
            && same(known.dropFirst(length.upperBound), head.dropFirst(length.upperBound))
            && same(self.target.bytes[...], target[...])
        return isKnown ? context : nil
    }

    mutating func keep(
        _ head: UnsafeRawBufferPointer, target: UnsafeRawBufferPointer, length: Range<Int>,
        context: (any AnyObject & Sendable)?
    ) {
        self.context = nil
        self.head.clear(keeping: KnownHead.most)
        self.target.clear(keeping: KnownHead.most)
        guard let context, head.count <= KnownHead.most, self.head.append(head), self.target.append(target) else {
            return
        }
        self.length = length
        self.context = context
    }

    private func same(_ left: Slice<UnsafeRawBufferPointer>, _ right: Slice<UnsafeRawBufferPointer>) -> Bool {
        let (left, right) = (UnsafeRawBufferPointer(rebasing: left), UnsafeRawBufferPointer(rebasing: right))
        guard left.count == right.count else { return false }
        guard let first = left.baseAddress, let second = right.baseAddress else { return left.isEmpty }
        return memcmp(first, second, left.count) == 0
    }
}
