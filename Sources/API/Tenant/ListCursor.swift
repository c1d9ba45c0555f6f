internal import Domain
internal import Recommend
internal import Storage

/// Where a list goes on: the page before, what it was about, and what its draws come from. 64 hexadecimal digits.
struct ListCursor: Sendable, Equatable {
    /// The page before.
    var list: ListID
    /// Digest of audience, subject and surface: a cursor of one list does not go on with another.
    var subject: UInt64
    /// Seed of the first page.
    var seed: UInt64

    init(list: ListID, subject: UInt64, seed: UInt64) {
        self.list = list
        self.subject = subject
        self.seed = seed
    }

    init?(_ text: String) {
        var numbers: [UInt64] = []
        guard text.utf8.count == 64, text.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
            return nil
        }
        var rest = Substring(text)
        while !rest.isEmpty {
            guard let number = UInt64(rest.prefix(16), radix: 16) else { return nil }
            numbers.append(number)
            rest = rest.dropFirst(16)
        }
        guard let list = ListID(high: numbers[0], low: numbers[1]) else { return nil }
        self.init(list: list, subject: numbers[2], seed: numbers[3])
    }

    var text: String {
        [list.high, list.low, subject, seed].map { number in
            let digits = String(number, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }

    /// Digest (FNV-1a of 64 bits) of what a list is about, the same in every process.
    static func subject(of question: Question) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ text: String?) {
            for byte in (text ?? "\u{0}").utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            hash = (hash ^ 0xff) &* 0x100_0000_01b3
        }
        func add(_ audience: Audience?) {
            add(audience?.user)
            add(audience?.visitor)
            add(audience?.session)
        }
        add(question.surface.rawValue)
        switch question.subject {
        case .audience(let audience): add(audience)
        case .similar(let type, let id):
            add(type)
            add(id)
            add(question.audience)
        }
        return hash
    }
}
