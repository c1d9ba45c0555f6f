extension Recency {
    /// How much more or less than on average each of a person's entries counts; the factors' mean is 1. Entries whose place
    /// is not known count as the middle.
    func factors(of person: Int, in histories: Histories) -> [Float] {
        let places = histories.places(of: person)
        guard self != .none, places.count > 1 else { return [Float](repeating: 1, count: places.count) }
        var factors = places.map { place in
            let position = histories.positions[place]
            return weight(
                position: position, later: position < 0 ? places.count / 2 : places.upperBound - 1 - place)
        }
        let sum = factors.reduce(0, +)
        guard sum > 0, sum.isFinite else { return [Float](repeating: 1, count: places.count) }
        let scale = Float(places.count) / sum
        for index in factors.indices { factors[index] *= scale }
        return factors
    }
}
