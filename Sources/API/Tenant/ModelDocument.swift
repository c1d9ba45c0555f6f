internal import Domain
internal import JSON
internal import Recommend
internal import Training

/// Models and their training as JSON.
enum ModelDocument {
    /// All models of a tenant, and how the training stands.
    static func all(_ keeper: ModelKeeper) -> JSONValue {
        let current = keeper.current?.version
        let models = keeper.store.entries.map { entry -> JSONValue in
            var object = JSONObject()
            object["version"] = .integer(entry.version)
            object["state"] = .string(
                entry.card == nil ? "unusable" : entry.version == current ? "serving" : "stored")
            object["bytes"] = .integer(entry.bytes)
            if let problem = entry.problem { object["problem"] = .string(problem) }
            if let card = entry.card { add(card, to: &object) }
            return .object(object)
        }
        return [
            "current": current.map { .integer($0) } ?? .null, "memory_bytes": .integer(Int64(keeper.memoryBytes)),
            "models": .array(models), "training": training(keeper.status),
        ]
    }

    /// How a training stands and how the last one ended.
    static func training(_ training: ModelKeeper.Training) -> JSONValue {
        var object: JSONObject = [
            "state": .string(training.state), "progress": .double((training.share * 1000).rounded() / 1000),
            "step": training.step.map { .string($0) } ?? .null, "started_at": time(training.startedAt),
            "kept": .integer(Int64(clamping: training.kept)), "not_kept": .integer(Int64(clamping: training.rejected)),
            "failed": .integer(Int64(clamping: training.failed)),
        ]
        guard let last = training.last else {
            object["last"] = .null
            return .object(object)
        }
        var ended: JSONObject = ["ended_at": time(last.endedAt), "seconds": .double(last.seconds)]
        ended["version"] = last.version.map { .integer($0) } ?? .null
        if let card = last.card { add(card, to: &ended) }
        if let failure = last.failure {
            ended["error"] = ["code": .string(failure.code), "message": .string(failure.message)]
        }
        object["last"] = .object(ended)
        return .object(object)
    }

    /// What a card says, with times as text.
    private static func add(_ card: ModelCard, to object: inout JSONObject) {
        guard case .object(let document) = card.document else { return }
        for member in document where object[member.key] == nil {
            switch member.key {
            case "trained_at": object[member.key] = card.trainedAt > 0 ? time(card.trainedAt) : .null
            case "newest": object[member.key] = time(card.newest)
            case "cut_at": object[member.key] = time(card.cutAt)
            case "version": break
            default: object[member.key] = member.value
            }
        }
    }

    private static func time(_ moment: Int64?) -> JSONValue {
        moment.map { .string(Timestamp(milliseconds: $0).rfc3339) } ?? .null
    }
}
