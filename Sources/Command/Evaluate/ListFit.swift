internal import Evaluation
internal import Models

/// A model that was fitted to a data set for an evaluation.
struct ListFit {
    var model: any ItemModel
    /// Processor time that choosing hyper-parameters took.
    var choosingSeconds = 0.0
    var parameters: [String: String] = [:]

    init(
        _ name: String, _ dataset: ListDataset, _ choosing: ListChoosing, _ options: EvaluateOptions, _ console: Console
    ) throws(ModelError) {
        if name == ListFit.standard || ListFit.tuned.contains(name) {
            let before = choosing.seconds
            let outcome = choosing.outcome { console.error("\(name): \($0)") }
            choosingSeconds = choosing.seconds - before
            var choice = outcome?.choice ?? ListTrainer.fallback(usesOrder: !options.ignoresOrder)
            if name != ListFit.standard {
                let own = outcome?.single.filter { ListFit.tunedPrefix + $0.part.kind.name == name } ?? []
                guard let best = own.max(by: { $0.value < $1.value }) else {
                    throw ModelError(
                        .noData, "nothing was chosen for this model here, for it was not tried as a part of the blend")
                }
                choice = BlendChoice([best.part])
            }
            model = choosing.trainer.fit(choice, dataset.histories)
            for (place, part) in choice.parts.enumerated() {
                parameters["part \(place + 1)"] = "\(part.kind), exponent \(part.exponent), weight \(part.weight)"
            }
        } else if name == ListFit.served {
            var training = Trainer.Options()
            training.threads = options.threads
            training.seed = options.seed
            let outcome = try Trainer(training).train(dataset.histories) { _, step in console.error("\(name): \(step)")
            }
            guard let outcome else { throw ModelError(.noData, "the training was stopped") }
            model = ServedItemModel(outcome.model)
            parameters = outcome.parameters
        } else if let single = SingleModel(rawValue: name) {
            model = try single.fit(dataset.histories, threads: options.threads, seed: options.seed)
        } else {
            throw ModelError(.badParameter, "there is no such model")
        }
    }

    /// The name of what is used when nothing else is asked for.
    static let standard = "default"
    /// What `train` puts into service, as it serves.
    static let served = "served"
    /// What stands before the name of a model that is chosen alone where the blend is.
    private static let tunedPrefix = "tuned-"
    /// The models that are chosen alone where the blend is.
    static let tuned = ["walk", "autoencoder", "spectral", "als", "sequence", "user-to-user"].map { tunedPrefix + $0 }
    /// Every model, the default first.
    static let names = [standard, served] + tuned + SingleModel.allCases.map(\.rawValue)
}

/// A session model that was fitted to a data set for an evaluation.
struct SessionFit {
    var model: any SessionModel
    /// Processor time that choosing hyper-parameters took.
    var choosingSeconds = 0.0
    var parameters: [String: String] = [:]

    init(_ name: String, _ dataset: SessionDataset, _ options: EvaluateOptions, _ console: Console) throws(ModelError) {
        if name == SessionFit.standard {
            let start = ResourceUse.cpuSeconds
            let choice = SessionChooser(threads: options.threads).choose(dataset.sessions)
            choosingSeconds = ResourceUse.cpuSeconds - start
            model = SessionRecommender(dataset.sessions, choice)
            for (component, weight) in zip(SessionRecommender.componentNames, choice.weights) {
                parameters["weight of \(component)"] = Double(weight).fixed(3)
            }
            parameters["share of the session's own items"] = Double(choice.ownShare).fixed(2)
            parameters["length exponent"] = Double(choice.neighbours.lengthExponent).fixed(2)
            parameters["power"] = Double(choice.neighbours.power).fixed(2)
            parameters["own clicks"] = Double(choice.stan.ownClicks).fixed(2)
            parameters["days"] = Double(choice.stan.days).fixed(1)
        } else if let single = SingleSessionModel(rawValue: name) {
            model = single.fit(dataset.sessions)
        } else {
            throw ModelError(.badParameter, "there is no such model")
        }
    }

    /// The name of what is used when nothing else is asked for.
    static let standard = "default"
    /// Every model, the default first.
    static let names = [standard] + SingleSessionModel.allCases.map(\.rawValue)
}
