internal import Foundation
internal import Models
internal import Numerics

/// What fitting one model to generated interactions costs, at a catalogue of fixed size.
struct TrainingBenchmark: Benchmark {
    private var model = ""
    private var interactions = 200_000
    private var items = 20_000
    private var threads = 1

    /// Interactions of a person, on average.
    private static let length = 50

    mutating func read(_ arguments: [String]) -> Bool {
        var rest = arguments[...]
        while let option = rest.popFirst() {
            guard let value = rest.popFirst() else { return false }
            switch (option, Int(value)) {
            case ("--model", _): model = value
            case ("--interactions", let number?): interactions = number
            case ("--items", let number?): items = number
            case ("--threads", let number?): threads = number
            default: return false
            }
        }
        return interactions > 0 && items > 100 && threads > 0 && TrainingBenchmark.models.contains(model)
    }

    static let models = ["popularity", "walk", "autoencoder", "sequence", "spectral", "als", "user-to-user"]

    func run() -> Bool {
        let histories = generated()
        let held = residentMemory()
        let (begin, processor) = (nanoseconds(), processNanoseconds())
        let itemCount = fit(histories)
        let (end, used) = (nanoseconds(), processNanoseconds())
        report(
            "training",
            [
                "interactions": Double(histories.items.count), "items": Double(itemCount),
                "seconds": Double(end - begin) / 1e9, "cpu_s": Double(used - processor) / 1e9,
                "interactions_mib": held, "peak_mib": peakMemory(),
            ])
        return true
    }

    /// Persons of taste: three quarters of what each does is among a hundredth of the catalogue, everything with a frequency
    /// of 1 / (rank + 20); each item once.
    private func generated() -> Histories {
        var random = SplitMix(seed: 1)
        var histories = Histories(itemCount: items)
        let sorts = 100
        let (head, span) = (20.0, (Double(items) + 20) / 20)
        while histories.items.count < interactions {
            let sort = Int.random(in: 0..<sorts, using: &random)
            let length = Int.random(in: 10...(2 * TrainingBenchmark.length - 10), using: &random)
            var seen: Set<UInt32> = []
            var run: [UInt32] = []
            for _ in 0..<length {
                let rank = head * exp(log(span) * Double.random(in: 0..<1, using: &random)) - head
                var item = min(items - 1, Int(rank))
                if Int.random(in: 0..<4, using: &random) > 0 { item = item / sorts * sorts + sort }
                if item < items, seen.insert(UInt32(item)).inserted { run.append(UInt32(item)) }
            }
            histories.append(ordered: run)
        }
        return histories
    }

    /// Fits the model and says how many items it knows.
    private func fit(_ histories: Histories) -> Int {
        switch model {
        case "popularity": return PopularityModel(histories).itemCount
        case "walk": return WalkModel(histories, .init()).itemCount
        case "autoencoder": return LocalAutoencoderModel(histories, .init(), threads: threads).itemCount
        case "sequence": return SequenceModel(histories, .init(), threads: threads).itemCount
        case "spectral":
            var parameters = SpectralModel.Parameters()
            parameters.rank = 128
            return SpectralModel(histories, parameters, threads: threads)?.itemCount ?? 0
        case "als":
            var parameters = ALSModel.Parameters()
            parameters.factors = 64
            return ALSModel(histories, parameters, threads: threads).itemCount
        default: return UserNeighboursModel(histories).itemCount
        }
    }

    /// The most memory that the process had, in MiB.
    private func peakMemory() -> Double {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let size = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Double($0) })
        else { return .nan }
        return size / 1_024
    }
}
