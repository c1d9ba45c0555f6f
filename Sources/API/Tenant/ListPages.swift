internal import Recommend
internal import Storage
internal import Synchronization

/// What the pages that follow a served list go on with, for the latest lists: some 1.5 KB each, at most ``most`` of them.
/// Of older ones the kept lists tell what stood on them; what follows is then ranked anew.
final class ListPages: Sendable {
    /// One list so far.
    struct Page: Sendable {
        /// Entities of this page and all before it, in their order.
        var shown: ContiguousArray<UInt32>
        /// What was ranked after them.
        var rest: ContiguousArray<RankedCandidate>
    }

    /// Lists that are kept.
    static let most = 20_000

    private struct State {
        var pages: [ListID: Page] = [:]
        /// A ring of ids in the order in which they came.
        var order: ContiguousArray<ListID> = []
        var next = 0
    }

    private let state = Mutex(State())

    /// Keeps a list; the oldest makes room.
    func keep(_ id: ListID, _ page: Page) {
        state.withLock { state in
            if state.order.count < ListPages.most {
                state.order.append(id)
            } else {
                state.pages[state.order[state.next]] = nil
                state.order[state.next] = id
                state.next = (state.next + 1) % ListPages.most
            }
            state.pages[id] = page
        }
    }

    func page(_ id: ListID) -> Page? { state.withLock { $0.pages[id] } }

    /// Bytes held, as an estimate.
    var bytes: Int {
        state.withLock { state in
            state.order.count * 128
                + state.pages.values.reduce(0) { $0 + $1.shown.capacity * 4 + $1.rest.capacity * 12 }
        }
    }
}
