internal import Foundation
internal import Numerics

/// Learns from histories what is served: chooses a blend on a hold-out of the histories, fits it to all of them, and folds
/// it.
public struct Trainer: Sendable {
    /// What is asked of a training.
    public struct Options: Sendable, Equatable {
        /// Seconds of processor time after which choosing tries no further variant; 0: ``Trainer/usualSeconds``.
        public var tuningSeconds: Double = 0
        /// Entries kept of each item's row in a single layer: a model takes at most 8 bytes for each of
        /// ``BlendFolding/mostEntries`` an item, and 8 an item and layer.
        public var neighbours = 200
        /// Most dimensions of the spectral model: 12 bytes for each of them and each item while training.
        public var rank = 512
        /// Processors used.
        public var threads = 1
        /// ``Outcome/parameters`` of an earlier training: with them nothing is chosen, they are what is fitted.
        public var fixed: [String: String]?
        /// Seed of everything drawn at random.
        public var seed: UInt64 = 1

        /// The defaults.
        public init() {}
    }

    /// What a training gives.
    public struct Outcome: Sendable {
        /// The model that serves.
        public var model: ServingModel
        /// What choosing measured on its own hold-out, by model: "ndcg@20 + recall@20" of the blend and of each model alone.
        /// Empty when nothing was chosen.
        public var measures: [String: [String: Double]]
        /// Hyper-parameters in force, for people, and complete: see ``Options/fixed``.
        public var parameters: [String: String]
    }

    /// Processor time that choosing takes at most when nothing else is asked for, in seconds.
    public static let usualSeconds = 60.0

    /// Under which name ``Outcome/parameters`` holds the whole blend.
    private static let blendName = "blend"
    private static let objectiveName = "ndcg@20 + recall@20"

    private let options: Options

    /// A trainer.
    public init(_ options: Options) { self.options = options }

    /// Trains. `progress` is told the share that is done, 0…1, and what is being done; `isCancelled` is asked often and ends
    /// the training with `nil`.
    public func train(
        _ histories: Histories, progress: @escaping @Sendable (Double, String) -> Void = { _, _ in },
        isCancelled: @Sendable () -> Bool = { false }
    ) throws(ModelError) -> Outcome? {
        guard histories.weights.contains(where: { $0 > 0 }) else {
            throw ModelError(.noData, "no interactions to learn from yet; collect some and train again")
        }
        guard BLAS.isReady else {
            throw ModelError(.tooLarge, "the library libopenblas is not installed; install it and train again")
        }
        var measures: [String: [String: Double]] = [:]
        let choice: BlendChoice
        if let fixed = options.fixed {
            guard let text = fixed[Trainer.blendName],
                let known = try? JSONDecoder().decode(BlendChoice.self, from: Data(text.utf8)), !known.parts.isEmpty
            else {
                throw ModelError(.badParameter, "the parameters are those of no known training; train without them")
            }
            choice = known
        } else {
            progress(0.02, "choosing")
            var lists = ListTrainer.Options(threads: options.threads)
            lists.seconds = options.tuningSeconds > 0 ? options.tuningSeconds : Trainer.usualSeconds
            lists.rank = options.rank
            lists.isFolded = true
            lists.seed = options.seed
            let tuned = ListTrainer(lists) { progress(0.1, $0) }.choose(histories, isCancelled: isCancelled)
            guard !isCancelled() else { return nil }
            choice = tuned?.choice ?? ListTrainer.fallback(usesOrder: true)
            if let tuned {
                measures["blend"] = [Trainer.objectiveName: tuned.value]
                for (part, value) in tuned.single
                where measures[part.kind.name].map({ $0.values.max() ?? 0 < value }) ?? true {
                    measures[part.kind.name] = [Trainer.objectiveName: value]
                }
            }
        }
        progress(0.6, "fitting")
        let blend = choice.fit(histories, seed: options.seed, threads: options.threads)
        guard !isCancelled() else { return nil }
        progress(0.8, "folding")
        var sample = Histories(itemCount: histories.itemCount)
        for person in stride(from: 0, to: histories.count, by: max(1, histories.count / 300)) {
            sample.append(histories.entries(of: person))
        }
        let model = BlendFolding(blend: blend, sample: sample, threads: options.threads)
            .model(neighbours: options.neighbours)
        guard !isCancelled() else { return nil }
        progress(1, "done")
        return Outcome(model: model, measures: measures, parameters: try parameters(of: choice))
    }

    private func parameters(of choice: BlendChoice) throws(ModelError) -> [String: String] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let blend = try? encoder.encode(choice) else {
            throw ModelError(.notFinite, "the blend has weights that are no numbers; train again")
        }
        var parameters = [Trainer.blendName: String(decoding: blend, as: UTF8.self)]
        for (place, part) in choice.parts.enumerated() {
            parameters["part \(place + 1)"] = "\(part.kind), exponent \(part.exponent), weight \(part.weight)"
        }
        return parameters
    }
}
