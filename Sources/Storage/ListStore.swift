/// The id of a served list: a UUID of version 7 (RFC 9562), which begins with the time it was made.
public struct ListID: Sendable, Hashable {
    /// 48 bits of milliseconds since the epoch, the version, 12 further bits.
    public let high: UInt64
    /// The variant and 62 further bits.
    public let low: UInt64

    /// An id made at a moment, in milliseconds since the epoch. `order` tells apart what is made within a millisecond.
    public init(milliseconds: Int64, order: UInt16, random: UInt64) {
        high = UInt64(truncatingIfNeeded: max(0, milliseconds)) << 16 | 0x7000 | UInt64(order & 0xfff)
        low = random & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
    }

    /// The id with these 16 bytes; `nil` for any other number of bytes.
    public init?(bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 16 else { return nil }
        high = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Reads the 36 characters of a UUID of version 7, in either case; `nil` for anything else. About 50 ns.
    public init?(text: UnsafeRawBufferPointer) {
        guard text.count == 36 else { return nil }
        var halves = (UInt64(0), UInt64(0))
        var digits = 0
        for index in 0..<36 {
            let letter = text[index]
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard letter == UInt8(ascii: "-") else { return nil }
                continue
            }
            let value: UInt8
            switch letter {
            case 48...57: value = letter - 48
            case 97...102: value = letter - 87
            case 65...70: value = letter - 55
            default: return nil
            }
            if digits < 16 {
                halves.0 = halves.0 << 4 | UInt64(value)
            } else {
                halves.1 = halves.1 << 4 | UInt64(value)
            }
            digits += 1
        }
        guard halves.0 & 0xf000 == 0x7000, halves.1 >> 62 == 2 else { return nil }
        (high, low) = halves
    }

    /// Reads an id's text.
    public init?(_ text: String) {
        var text = text
        guard let id = text.withUTF8({ ListID(text: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = id
    }

    /// When it was made, in milliseconds since the epoch.
    public var milliseconds: Int64 { Int64(high >> 16) }

    /// Its 16 bytes, which sort by time.
    public var bytes: [UInt8] {
        [high, low].flatMap { half in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: half >> UInt64($0)) }
        }
    }

    /// 36 characters, in small letters.
    public var text: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for (index, byte) in bytes.enumerated() {
            if index == 4 || index == 6 || index == 8 || index == 10 { text.append(UInt8(ascii: "-")) }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// A list as it was served.
public struct StoredList: Sendable, Equatable {
    /// Its id.
    public var id: ListID
    /// Who it was for, what stood on it and why: JSON text of an object.
    public var document: [UInt8]

    /// A list.
    public init(id: ListID, document: [UInt8]) {
        self.id = id
        self.document = document
    }
}

/// An interaction that names a list.
public struct ListAttribution: Sendable, Equatable {
    /// The list.
    public var list: ListID
    /// The interaction's place in the log.
    public var position: Int64

    /// An attribution.
    public init(list: ListID, position: Int64) {
        self.list = list
        self.position = position
    }
}

/// Keeps served lists apart from the log, from which they do not follow. One thread writes; any thread reads.
public protocol ListStore: AnyObject, Sendable {
    /// The log position through which attributions are kept.
    var position: Int64 { get }
    /// Adds lists, then attributions (those to lists that are not there are passed over), and notes the log position that
    /// the attributions reach; all of it or nothing. What a killed process wrote is there; a machine that loses power may
    /// lose the last seconds, whose attributions are then read from the log again.
    func add(_ lists: [StoredList], _ attributions: [ListAttribution], through position: Int64) throws(StorageError)
    /// A list, and the places in the log of up to `limit` interactions that name it, oldest first.
    func list(_ id: ListID, limit: Int) throws(StorageError) -> (list: StoredList, positions: [Int64])?
    /// Removes up to `maximum` lists made before a moment, with their attributions. Says how many lists it removed.
    func expire(before milliseconds: Int64, maximum: Int) throws(StorageError) -> Int
    /// Size on disk in bytes.
    var bytes: Int64 { get }
    /// Closes the file. Idempotent.
    func close()
}
