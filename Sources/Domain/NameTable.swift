internal import Synchronization

/// The names of a tenant's interaction types and entity types, numbered in the order they were first seen, so that hot
/// paths carry two bytes instead of text. Names are never removed. One table per tenant, shared by all its parts; the
/// numbers mean nothing outside the process, only within a snapshot that carries the table.
public final class NameTable: Sendable {
    private struct State {
        var names: [String] = []
        var salts: [UInt64] = []
        var indexes: [String: UInt16] = [:]

        mutating func intern(_ name: String) -> UInt16? {
            if let index = indexes[name] { return index }
            guard names.count < NameTable.capacity else { return nil }
            let index = UInt16(names.count)
            var copy = name
            names.append(name)
            salts.append(copy.withUTF8 { checksum64(UnsafeRawBufferPointer($0), seed: 0x5eed) })
            indexes[name] = index
            return index
        }
    }

    private let state = Mutex(State())

    /// An empty table.
    public init() {}

    /// The number of a name, given now if it is new. `nil` when 65,535 names are taken.
    public func intern(_ name: String) -> UInt16? {
        state.withLock { $0.intern(name) }
    }

    /// The numbers of names, each given now if it is new; `nil`, with none of them given, when there is no room for all.
    public func intern(all names: [String]) -> [UInt16]? {
        state.withLock { state in
            let news = Set(names.filter { state.indexes[$0] == nil })
            guard news.count <= NameTable.capacity - state.names.count else { return nil }
            return names.compactMap { state.intern($0) }
        }
    }

    /// How many names there can be.
    public static let capacity = Int(UInt16.max)

    /// How many names have a number.
    public var count: Int { state.withLock { $0.names.count } }

    /// The number of a name, if it has one.
    public func index(of name: String) -> UInt16? { state.withLock { $0.indexes[name] } }

    /// The name with a number, if there is one.
    public func name(_ index: UInt16) -> String? {
        state.withLock { Int(index) < $0.names.count ? $0.names[Int(index)] : nil }
    }

    /// What the keys of entities of this type are salted with: a hash of the type's name, so that it is the same in
    /// every process.
    public func salt(of index: UInt16) -> UInt64 {
        state.withLock { Int(index) < $0.salts.count ? $0.salts[Int(index)] : 0 }
    }

    /// All names in the order of their numbers.
    public var names: [String] { state.withLock { $0.names } }
}
