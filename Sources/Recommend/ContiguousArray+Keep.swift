extension ContiguousArray {
    /// Leaves the first `count` of an order, in no order that matters: parts around one after the other, after Hoare's FIND
    /// (1961). Linear on the average.
    mutating func keep(_ count: Int, _ precedes: (Element, Element) -> Bool) {
        let count = Swift.max(0, count)
        guard self.count > count else { return }
        var (low, high) = (0, self.count - 1)
        while low < high {
            let pivot = self[low + (high - low) / 2]
            var (left, right) = (low, high)
            while left <= right {
                while precedes(self[left], pivot) { left += 1 }
                while precedes(pivot, self[right]) { right -= 1 }
                guard left <= right else { break }
                swapAt(left, right)
                left += 1
                right -= 1
            }
            if count - 1 <= right {
                high = right
            } else if count - 1 >= left {
                low = left
            } else {
                break
            }
        }
        removeSubrange(count...)
    }
}
