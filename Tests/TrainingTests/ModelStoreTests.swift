import Foundation
import Models
import Synchronization
import Testing

@testable import Training

@Suite("The store of models")
struct ModelStoreTests {
    private final class Notes: Sendable {
        let texts = Mutex<[String]>([])
        var all: [String] { texts.withLock { $0 } }
    }

    private func open(_ folder: TemporaryFolder, _ notes: Notes = Notes()) -> ModelStore {
        ModelStore(tenantFolder: folder.path) { text in notes.texts.withLock { $0.append(text) } }
    }

    private func file(_ folder: TemporaryFolder, _ name: String) -> String { "\(folder.path)/models/\(name)" }

    @Test("A model reads back as it was written, in another process's place too")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let model = randomModel(items: 40, seed: 3)
        let store = open(folder)
        #expect(store.loadCurrent() == nil && store.entries.isEmpty)
        let version = try store.add(model, heldOut: randomModel(items: 40, seed: 4))
        #expect(version == 1 && store.current == nil)
        try store.activate(version)
        for store in [store, open(folder)] {
            let read = try #require(store.loadCurrent())
            #expect(read.model == model.model && read.items == model.items)
            #expect(read.card.measures == model.card.measures && read.card.parameters == model.card.parameters)
            #expect(read.card.version == 1 && read.card.position == 3)
            #expect(read.items.type(of: 1) == "post" && read.items.id(of: 1) == "é1")
            #expect(store.loadHeldOut(1)?.model == randomModel(items: 40, seed: 4).model)
            #expect(store.current == 1)
        }
    }

    @Test("The last five are kept, the one that serves always, and numbers are not given twice")
    func keeping() throws {
        let folder = try TemporaryFolder()
        let store = open(folder)
        try store.activate(try store.add(randomModel(items: 3, seed: 1), heldOut: nil))
        for seed in 2...4 { try store.activate(try store.add(randomModel(items: 3, seed: UInt64(seed)), heldOut: nil)) }
        // Back to the first, which then stays whatever comes.
        try store.activate(1)
        for seed in 5...9 {
            _ = try store.add(randomModel(items: 3, seed: UInt64(seed)), heldOut: nil)
            try store.activate(1)
        }
        #expect(store.entries.map(\.version) == [9, 8, 7, 6, 1])
        #expect(throws: TrainingError.self) { try store.remove(1) }
        try store.remove(9)
        #expect(throws: TrainingError.self) { try store.remove(9) }
        #expect(throws: TrainingError.self) { try store.activate(9) }
        let again = open(folder)
        #expect(again.entries.map(\.version) == [8, 7, 6, 1] && again.current == 1)
        #expect(try again.add(randomModel(items: 3, seed: 10), heldOut: nil) == 9 || again.entries.first?.version == 10)
    }

    @Test("What is torn, changed, too new or no model is passed over and said, and the former version serves")
    func damage() throws {
        for kind in 0..<5 {
            let folder = try TemporaryFolder()
            let store = open(folder)
            try store.activate(try store.add(randomModel(items: 30, seed: 1), heldOut: nil))
            try store.activate(try store.add(randomModel(items: 30, seed: 2), heldOut: nil))
            let path = file(folder, "2.model")
            var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
            switch kind {
            case 0: bytes.removeLast(bytes.count / 2)
            case 1: bytes[bytes.count - 100] ^= 1
            case 2: bytes[12] = 9
            case 3: bytes = Array("no model".utf8)
            default: bytes = []
            }
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            let notes = Notes()
            let again = open(folder, notes)
            #expect(again.loadCurrent()?.card.version == 1)
            #expect(again.current == 1)
            #expect(notes.all.contains { $0.contains("2") })
            #expect(again.entries.first { $0.version == 2 }?.problem != nil)
            #expect(ModelStore.inspect(tenantFolder: folder.path).problems.count == 1)
            // The next one has a number of its own.
            #expect(try again.add(randomModel(items: 3, seed: 3), heldOut: nil) == 3)
        }
    }

    @Test("A kill between any two steps of storing leaves a model that serves")
    func kill() throws {
        let folder = try TemporaryFolder()
        let store = open(folder)
        try store.activate(try store.add(randomModel(items: 30, seed: 1), heldOut: randomModel(items: 30, seed: 9)))
        // Stored and not activated.
        _ = try store.add(randomModel(items: 30, seed: 2), heldOut: randomModel(items: 30, seed: 8))
        // Half-written files of a third.
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: file(folder, "3.model.new")))
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: file(folder, "current.new")))
        let again = open(folder)
        #expect(again.loadCurrent()?.model == randomModel(items: 30, seed: 1).model)
        #expect(again.current == 1 && again.entries.map(\.version) == [2, 1])
        #expect(!FileManager.default.fileExists(atPath: file(folder, "3.model.new")))
        #expect(again.loadHeldOut(1) != nil && again.loadHeldOut(2) == nil)
        // What names the one that serves is lost: the newest serves.
        try FileManager.default.removeItem(atPath: file(folder, "current"))
        #expect(open(folder).loadCurrent()?.card.version == 2)
        try Data([7]).write(to: URL(fileURLWithPath: file(folder, "current")))
        let notes = Notes()
        #expect(open(folder, notes).loadCurrent()?.card.version == 2)
        #expect(!notes.all.isEmpty)
    }

    @Test("A copy is a store of its own")
    func copy() throws {
        let (folder, other) = (try TemporaryFolder(), try TemporaryFolder())
        let store = open(folder)
        try store.copy(to: "\(other.path)/models")
        #expect(!FileManager.default.fileExists(atPath: "\(other.path)/models"))
        for seed in 1...3 { try store.activate(try store.add(randomModel(items: 3, seed: UInt64(seed)), heldOut: nil)) }
        try store.activate(2)
        try store.copy(to: "\(other.path)/models")
        let copy = open(other)
        #expect(copy.loadCurrent()?.card.version == 2 && copy.entries.map(\.version) == [3, 2, 1])
    }
}
