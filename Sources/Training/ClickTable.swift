internal import Domain
internal import Models

/// The clicks of sessions as they stand in the log: the latest, at most twice ``maximum`` of 40 bytes each while it is read.
struct ClickTable {
    private struct Click {
        var session: Key128
        var time: Int64
        var item: UInt32
        var type: UInt16
    }

    /// Clicks of a session that are kept: its latest.
    static let longestSession = 200

    private let maximum: Int
    private var clicks: [Click] = []

    init(maximum: Int) { self.maximum = max(1, maximum) }

    mutating func add(session: Key128, item: UInt32, type: UInt16, time: Int64) {
        guard !session.isNone else { return }
        clicks.append(Click(session: session, time: time, item: item, type: type))
        if clicks.count >= 2 * maximum { clicks.removeFirst(clicks.count - maximum) }
    }

    /// The sessions of at least two clicks in order of their starts, over the items that have a new number. What was done
    /// with an item at one go (viewed, then put into the cart) is one click; coming back to it by the same kind of
    /// interaction is another.
    mutating func sessions(_ numbers: [UInt32], itemCount: Int) -> Histories {
        var places: [Key128: Int] = [:]
        var runs: [[Click]] = []
        for click in clicks.suffix(maximum) where numbers[Int(click.item)] != .max {
            let place = places[click.session] ?? runs.count
            if place == runs.count {
                places[click.session] = place
                runs.append([])
            }
            runs[place].append(click)
        }
        clicks = []
        var sessions = Histories(itemCount: itemCount)
        for place in runs.indices {
            runs[place].sort { $0.time < $1.time }
            var single: [Click] = []
            for click in runs[place] {
                if let last = single.last, last.item == click.item, last.type != click.type { continue }
                single.append(click)
            }
            runs[place] = single.suffix(ClickTable.longestSession)
        }
        let starts = runs.indices.filter { runs[$0].count >= 2 }.sorted {
            (runs[$0][0].time, $0) < (runs[$1][0].time, $1)
        }
        for place in starts { sessions.append(ordered: runs[place].map { (numbers[Int($0.item)], $0.time) }) }
        return sessions
    }
}
