/// The session models that evaluations set beside the default, each with its own standard parameters.
public enum SingleSessionModel: String, Sendable, CaseIterable {
    /// ``RecentPopularity``.
    case popularity
    /// ``TransitionModel``.
    case transitions
    /// ``TransitionModel`` of two steps.
    case walk
    /// ``SessionNeighbourModel``.
    case neighbours = "session-neighbours"
    /// ``SequenceTimeNeighbourModel``.
    case stan
    /// ``SessionItemNeighbourModel``.
    case items = "session-items"

    /// Fits it to sessions.
    public func fit(_ sessions: Histories) -> any SessionModel {
        switch self {
        case .popularity: RecentPopularity(sessions)
        case .transitions: TransitionModel(sessions)
        case .walk: TransitionModel(sessions, .walkedTwice, named: rawValue)
        case .neighbours: SessionNeighbourModel(sessions)
        case .stan: SequenceTimeNeighbourModel(sessions)
        case .items: SessionItemNeighbourModel(sessions)
        }
    }
}
