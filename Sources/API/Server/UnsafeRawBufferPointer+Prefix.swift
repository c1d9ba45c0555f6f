extension UnsafeRawBufferPointer {
    /// Whether it begins with `name`, which is in lower case, whatever the case of its own letters.
    func starts(with name: StaticString) -> Bool {
        count >= name.utf8CodeUnitCount
            && (0..<name.utf8CodeUnitCount).allSatisfy { index in
                let letter = self[index]
                return ((65...90).contains(letter) ? letter | 32 : letter) == name.utf8Start[index]
            }
    }
}
