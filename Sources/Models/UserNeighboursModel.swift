internal import Numerics

/// User-to-user: what those did whose histories are most like this one (Resnick et al. 1994, for interactions instead of
/// ratings).
///
/// A person is the vector v_i = sign(w) · ln(1 + |w|) · idf_i over the items, idf_i = ln(1 + persons / persons of i); a history
/// is the same with each entry times its recency. The `neighbours` of the greatest cosine above 0 are taken, and item j scores
/// Σ over them of cosine^sharpness · |v|^−1 · v_j / idf_j. Entries below 0 make those who have the item less alike, and count
/// against it when a neighbour has them.
///
/// A request looks at no more than ``Parameters/personsPerItem`` persons an item, those to whom it says most, and at
/// ``longestHistory`` entries of each side, whatever has been stored: latest items · personsPerItem + neighbours ·
/// longestHistory additions. Memory: 16 bytes an entry.
public struct UserNeighboursModel: RecencyModel {
    /// Hyper-parameters.
    public struct Parameters: Sendable, Hashable, Codable {
        /// K: how many persons speak.
        public var neighbours = 200
        /// How much more the nearest count than the others.
        public var sharpness: Float = 1
        /// Persons looked at for each item of a history.
        public var personsPerItem = 1_000
        /// How the late part of a history counts.
        public var recency = Recency.none

        /// The defaults.
        public init() {}
    }

    /// Entries of a history that are looked at.
    public static let longestHistory = 500

    public let name = "user-to-user"
    /// Hyper-parameters in force.
    public let parameters: Parameters
    /// How histories are weighted.
    public var recency: Recency
    /// ln(1 + persons / persons of the item); 0 for items nobody has.
    private let rarity: [Float]
    /// Each person's vector, of length 1, without the rarity.
    private let persons: SparseRows
    /// Item → persons with its place in their vectors of length 1, rarity included.
    private let index: SparseRows

    public var itemCount: Int { rarity.count }

    /// Fits to histories. O(entries · log personsPerItem).
    public init(_ histories: Histories, _ parameters: Parameters = Parameters()) {
        self.parameters = parameters
        recency = parameters.recency
        let raw = UserNeighboursModel.vectors(of: histories, .none)
        var holders = [Int](repeating: 0, count: histories.itemCount)
        for item in raw.columns { holders[Int(item)] += 1 }
        let rarity = holders.map { $0 == 0 ? 0 : (1 + Float(raw.rowCount) / Float($0)).logarithm }
        var persons = SparseRows(columnCount: histories.itemCount)
        for person in 0..<raw.rowCount {
            let places = raw.places(of: person)
            let squared = places.reduce(Float(0)) { sum, place in
                let value = raw.values[place] * rarity[Int(raw.columns[place])]
                return sum + value * value
            }
            let scale = squared > 0 ? 1 / squared.squareRoot() : 0
            persons.append(places.map { (raw.columns[$0], raw.values[$0] * scale) })
        }
        self.rarity = rarity
        self.persons = persons
        index = UserNeighboursModel.index(persons, rarity, cap: parameters.personsPerItem)
    }

    /// The persons of each item, at most `cap`: those in whose vector it is greatest.
    private static func index(_ persons: SparseRows, _ rarity: [Float], cap: Int) -> SparseRows {
        let byItem = persons.transposed()
        var index = SparseRows(columnCount: persons.rowCount)
        var selection = TopSelection(capacity: cap)
        for item in 0..<byItem.rowCount {
            let places = byItem.places(of: item)
            if places.count <= cap {
                index.append(places.map { (byItem.columns[$0], byItem.values[$0] * rarity[item]) })
            } else {
                selection.removeAll()
                for place in places { selection.add(byItem.columns[place], byItem.values[place] * rarity[item]) }
                index.append(selection.unsorted.sorted { $0.index < $1.index }.map { ($0.index, $0.value) })
            }
        }
        return index
    }

    /// sign(w) · ln(1 + |w|) · recency over the latest entries of each history, each item once.
    private static func vectors(of histories: Histories, _ recency: Recency) -> SparseRows {
        var vectors = SparseRows(columnCount: histories.itemCount)
        var place: [UInt32: Int] = [:]
        for person in 0..<histories.count {
            place.removeAll(keepingCapacity: true)
            var row: [(column: UInt32, value: Float)] = []
            let entries = zip(histories.places(of: person), recency.factors(of: person, in: histories))
            for (entry, factor) in entries.suffix(longestHistory).reversed() {
                let weight = histories.weights[entry]
                let size = (1 + min(abs(weight), .greatestFiniteMagnitude / 2)).logarithm * factor
                let value = weight < 0 ? -size : size
                if let known = place[histories.items[entry]] {
                    row[known].value += value
                } else {
                    place[histories.items[entry]] = row.count
                    row.append((histories.items[entry], value))
                }
            }
            vectors.append(row.filter { $0.value != 0 })
        }
        return vectors
    }

    public func score(_ histories: Histories, into scores: UnsafeMutableBufferPointer<Float>) {
        scores.update(repeating: 0)
        let vectors = UserNeighboursModel.vectors(of: histories, recency)
        var alike = [Float](repeating: 0, count: persons.rowCount)
        var touched: [UInt32] = []
        var selection = TopSelection(capacity: parameters.neighbours)
        for history in 0..<histories.count {
            var squared: Float = 0
            for place in vectors.places(of: history) {
                let item = Int(vectors.columns[place])
                let value = vectors.values[place] * rarity[item]
                squared += value * value
                for entry in index.places(of: item) {
                    let person = index.columns[entry]
                    // A sum that falls back to 0 is listed twice; the selection below sees it once, because it is cleared.
                    if alike[Int(person)] == 0 { touched.append(person) }
                    alike[Int(person)] += value * index.values[entry]
                }
            }
            selection.removeAll()
            for person in touched {
                if alike[Int(person)] > 0 { selection.add(person, alike[Int(person)]) }
                alike[Int(person)] = 0
            }
            touched.removeAll(keepingCapacity: true)
            guard squared > 0 else { continue }
            let scale = 1 / squared.squareRoot()
            // Best first, so that sums are always made in the same order.
            for neighbour in selection.sorted() {
                let weight = (neighbour.value * scale).raised(to: parameters.sharpness)
                for place in persons.places(of: Int(neighbour.index)) {
                    scores[history * itemCount + Int(persons.columns[place])] += weight * persons.values[place]
                }
            }
        }
    }
}
