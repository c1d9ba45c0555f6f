extension StringProtocol {
    /// The text, or as much of its beginning as whole characters of Unicode (not grapheme clusters, of which one may be of
    /// any length) make up at most `limit` bytes of UTF-8. For what is quoted in a message.
    public func shortened(toBytes limit: Int) -> String {
        var scalars = String.UnicodeScalarView()
        var count = 0
        for scalar in unicodeScalars {
            count += UTF8.width(scalar)
            if count > limit { return String(scalars) }
            scalars.append(scalar)
        }
        return String(scalars)
    }
}
