internal import Domain

/// What is searched in, kept in memory beside the file: which words each entity has and which entities each word, what
/// filters look at, and the order by popularity.
///
/// Walking through a broad word in FTS5 costs some hundred nanoseconds an entity, here one or two. Past a bound of memory
/// the words are given up, and FTS5 searches in their place; what filters look at and the lexicon stay.
struct IndexMemory: Sendable {
    /// What is known of an entity, without references.
    struct Facts: Sendable {
        var key = Key128.none
        /// NaN without a price.
        var price = Double.nan
        var type: Int32 = -1
        var currency: Int32 = -1
        /// Words in its texts, repeats included.
        var size: Int32 = 0
        var isInStock = false
        var isThere = false
    }

    /// A word of an entity, and how often it stands in each column: a byte each, 255 for more.
    struct Entry: Sendable {
        var word: Int32
        var counts: UInt32

        func count(in column: Int) -> UInt32 { counts >> UInt32(8 * column) & 0xff }
    }

    /// Filters with names turned into numbers; a name that no entity has finds nothing.
    struct Filters {
        var type: Int32
        var category: Int32?
        var currency: Int32?
        var minimum: Double?
        var maximum: Double?
        var isInStock: Bool

        /// Whether an entity passes, its categories apart.
        @inline(__always)
        func admits(_ facts: Facts) -> Bool {
            if !facts.isThere || facts.type != type || (isInStock && !facts.isInStock) { return false }
            if let currency, facts.currency != currency { return false }
            // Comparing with NaN is false: what has no price fits into no range.
            if let minimum, !(facts.price >= minimum) { return false }
            if let maximum, !(facts.price <= maximum) { return false }
            return true
        }
    }

    private var numbers: [String: Int32] = [:]
    private(set) var lexicon = Lexicon()
    /// By row.
    private(set) var facts: ContiguousArray<Facts> = []
    private(set) var categories: ContiguousArray<ContiguousArray<Int32>> = []
    private(set) var words: ContiguousArray<ContiguousArray<Entry>> = []
    /// Ascending rows, by the word's number, and by the category's.
    private(set) var postings: ContiguousArray<ContiguousArray<UInt32>> = []
    private(set) var members: [Int32: ContiguousArray<UInt32>] = [:]
    /// Rows in order of popularity as of the last ordering, those that came since at the end; and each row's place in it.
    private(set) var ranking: ContiguousArray<UInt32> = []
    private(set) var places: ContiguousArray<UInt32> = []
    /// Entities, and words in all their texts.
    private(set) var count = 0
    private(set) var size = 0
    private var entries = 0
    /// Rows that came since the last ordering.
    private(set) var unordered = 0
    /// Bytes for words at most.
    private let maximumBytes: Int
    /// Whether searches can be answered from here.
    private(set) var hasWords: Bool

    /// An empty one that keeps the words of entities as long as that takes `maximumBytes` at most.
    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
        hasWords = maximumBytes > 0
    }

    /// Bytes for words, as good as.
    var bytes: Int {
        // An entry and its posting, with room to grow; a row's or a word's array has a header of 32 bytes.
        entries * 18 + facts.count * (MemoryLayout<Facts>.stride + 88) + postings.count * 40 + lexicon.bytes
    }

    // MARK: - Names

    private mutating func number(of name: String) -> Int32 {
        if let number = numbers[name] { return number }
        let number = Int32(truncatingIfNeeded: numbers.count)
        numbers[name] = number
        return number
    }

    func filters(_ filters: SearchFilters) -> Filters {
        Filters(
            type: numbers["t" + filters.entityType] ?? -2, category: filters.category.map { numbers["c" + $0] ?? -2 },
            currency: filters.currency.map { numbers["$" + $0.uppercased()] ?? -2 }, minimum: filters.priceMinimum,
            maximum: filters.priceMaximum, isInStock: filters.isInStock)
    }

    // MARK: - Changes

    /// What is said of an entity besides its texts.
    struct Description {
        var key: Key128
        var type: String
        var categories: [String]
        var price: String?
        var currency: String?
        var inventory: Int64?
    }

    /// Sets what filters look at. A new row stands last in the order by popularity until the next ordering.
    mutating func set(_ row: Int64, _ description: Description) {
        guard let index = Int(exactly: row), index >= 0, index < Int(UInt32.max) else { return }
        while facts.count <= index {
            facts.append(Facts())
            categories.append([])
            words.append([])
            places.append(UInt32(ranking.count))
            ranking.append(UInt32(facts.count - 1))
            unordered += 1
        }
        if !facts[index].isThere { count += 1 }
        setCategories(index, description.categories)
        facts[index].key = description.key
        facts[index].price = description.price.flatMap(Double.init) ?? .nan
        facts[index].type = number(of: "t" + description.type)
        facts[index].currency = description.currency.map { number(of: "$" + $0.uppercased()) } ?? -1
        facts[index].isInStock = description.inventory != 0
        facts[index].isThere = true
    }

    private mutating func setCategories(_ index: Int, _ names: [String]) {
        var own: ContiguousArray<Int32> = []
        for name in names {
            let number = number(of: "c" + name)
            if !own.contains(number) { own.append(number) }
        }
        guard own != categories[index] else { return }
        for category in categories[index] where !own.contains(category) {
            members[category]?.removeSorted(UInt32(index))
            if members[category]?.isEmpty == true { members[category] = nil }
        }
        for category in own where !categories[index].contains(category) {
            members[category, default: []].insertSorted(UInt32(index))
        }
        categories[index] = own
    }

    /// Sets the words of a row. `old` are those that it had, which are needed when the words are given up.
    mutating func set(_ row: Int64, words new: TextWords, old: TextWords?) {
        guard let index = Int(exactly: row), facts.indices.contains(index) else { return }
        size += new.count - Int(facts[index].size)
        facts[index].size = Int32(clamping: new.count)
        let before = hasWords ? words[index] : entries(of: old ?? TextWords())
        let after = entries(of: new)
        for entry in before { lexicon.add(entry.word, -1) }
        for entry in after { lexicon.add(entry.word, 1) }
        if hasWords {
            while postings.count < lexicon.end { postings.append([]) }
            for entry in before where !after.hasWord(entry.word) {
                postings[Int(entry.word)].removeSorted(UInt32(index))
            }
            for entry in after where !before.hasWord(entry.word) {
                postings[Int(entry.word)].insertSorted(UInt32(index))
            }
            entries += after.count - before.count
            words[index] = after
            if bytes > maximumBytes { giveUpWords() }
        }
        lexicon.arrange()
    }

    /// Takes up a word that so many entities have, while the words of each are not known.
    mutating func know(_ word: String, of entities: Int64) {
        var word = word
        guard !hasWords, let number = word.withUTF8({ lexicon.intern(UnsafeRawBufferPointer($0)) }) else { return }
        lexicon.add(number, Int32(clamping: entities))
        lexicon.arrange()
    }

    /// In order of their numbers.
    private mutating func entries(of text: TextWords) -> ContiguousArray<Entry> {
        var list: ContiguousArray<Entry> = []
        list.reserveCapacity(text.count)
        text.forEach { word, column in
            guard hasWords || lexicon.end < Lexicon.most || lexicon.number(of: word) != nil else { return }
            if let number = lexicon.intern(word) { list.append(Entry(word: number, counts: 1 << UInt32(8 * column))) }
        }
        list.sort { $0.word < $1.word }
        var kept = 0
        for entry in list {
            if kept > 0, list[kept - 1].word == entry.word {
                for column in 0..<4 where entry.count(in: column) > 0 && list[kept - 1].count(in: column) < 255 {
                    list[kept - 1].counts += 1 << UInt32(8 * column)
                }
            } else {
                list[kept] = entry
                kept += 1
            }
        }
        list.removeSubrange(kept...)
        return list
    }

    private mutating func giveUpWords() {
        hasWords = false
        entries = 0
        postings = []
        for index in words.indices { words[index] = [] }
    }

    /// Forgets a row; `old` as for its words.
    mutating func remove(_ row: Int64, old: TextWords?) {
        guard let index = Int(exactly: row), facts.indices.contains(index), facts[index].isThere else { return }
        set(row, words: TextWords(), old: old)
        setCategories(index, [])
        facts[index] = Facts()
        count -= 1
    }

    // MARK: - Order by popularity

    /// An order of the rows, and each row's place in it.
    struct Ordering: Sendable {
        var ranking: ContiguousArray<UInt32>
        var places: ContiguousArray<UInt32>

        /// By popularity, which is by row; of equal ones the older row first. Below 0 is what no list may show: it comes
        /// last, lest it take the places of those that are ranked.
        init(by popularity: [Float]) {
            // The bits of floating-point numbers that are not negative are in the numbers' order.
            let keys = popularity.enumerated().map { row, popularity in
                let place = popularity < 0 ? UInt32.max : UInt32.max - 1 - (popularity + 0).bitPattern
                return UInt64(place) << 32 | UInt64(UInt32(truncatingIfNeeded: row))
            }
            ranking = ContiguousArray(keys.sorted().map { UInt32(truncatingIfNeeded: $0) })
            places = ContiguousArray(repeating: 0, count: ranking.count)
            for (place, row) in ranking.enumerated() { places[Int(row)] = UInt32(place) }
        }
    }

    /// The keys of all rows, whose popularity makes an ordering.
    var keys: [Key128] { facts.map(\.key) }

    /// Puts an ordering of all rows into force.
    mutating func adopt(_ ordering: Ordering) {
        guard ordering.ranking.count == facts.count else { return }
        ranking = ordering.ranking
        places = ordering.places
        unordered = 0
    }
}

extension ContiguousArray<IndexMemory.Entry> {
    func hasWord(_ word: Int32) -> Bool {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].word < word { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low].word == word
    }
}

extension ContiguousArray<UInt32> {
    private func place(of row: UInt32) -> Int {
        if let last, last < row { return count }
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < row { low = middle + 1 } else { high = middle }
        }
        return low
    }

    mutating func insertSorted(_ row: UInt32) {
        let place = place(of: row)
        if place == count || self[place] != row { insert(row, at: place) }
    }

    mutating func removeSorted(_ row: UInt32) {
        let place = place(of: row)
        if place < count, self[place] == row { remove(at: place) }
    }
}
