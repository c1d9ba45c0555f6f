public import Domain

/// A list as it was served.
public struct StoredList: Sendable, Equatable {
    /// Its id.
    public var id: ListID
    /// Key of whom it was for; `nil` when that was nobody.
    public var audience: Key128?
    /// Who it was for, what stood on it and why: JSON text of an object.
    public var document: [UInt8]

    /// A list.
    public init(id: ListID, audience: Key128? = nil, document: [UInt8]) {
        self.id = id
        self.audience = audience
        self.document = document
    }
}

/// What is measured of served lists, by what: whole numbers but for revenue.
public struct ListMeasure: Sendable, Hashable {
    /// What is measured.
    public enum Name: String, Sendable, Hashable, CaseIterable {
        /// Lists served.
        case lists
        /// Entities on them.
        case items
        /// Entities that were seen, as `recommendation_viewed` says.
        case views
        /// Entities that were clicked, each once a list.
        case clicks
        /// Orders of entities that were clicked or that name the list.
        case conversions
        /// What those orders came to.
        case revenue
    }

    /// Day of the list, or of the order, in days since the epoch.
    public var day: Int64
    /// Surface of the list.
    public var surface: String
    /// Where the entity came from; empty for whole lists.
    public var source: String
    /// Version of the learned model; empty without one.
    public var model: String
    /// What is measured.
    public var name: Name
    /// Currency of a revenue; else empty.
    public var currency: String

    /// A measure.
    public init(day: Int64, surface: String, source: String, model: String, name: Name, currency: String = "") {
        self.day = day
        self.surface = surface
        self.source = source
        self.model = model
        self.name = name
        self.currency = currency
    }
}

/// One commit of a ``ListStore``: all of it or nothing.
public protocol ListTransaction: AnyObject {
    /// Adds a list; one that is there stays.
    func insert(_ list: StoredList) throws(StorageError)
    /// The document of a list.
    func document(_ id: ListID) throws(StorageError) -> [UInt8]?
    /// Notes that the interaction at a place in the log names a list. False when that is known.
    func attribute(_ id: ListID, position: Int64) throws(StorageError) -> Bool
    /// Notes that an entity of a list was clicked. False when that is known.
    func click(_ id: ListID, entity: Key128) throws(StorageError) -> Bool
    /// Notes which list a person last clicked an entity on.
    func credit(_ id: ListID, person: Key128, entity: Key128) throws(StorageError)
    /// The list that a person last clicked an entity on.
    func credited(person: Key128, entity: Key128) throws(StorageError) -> ListID?
    /// Adds to a measure.
    func add(_ amount: Double, to measure: ListMeasure) throws(StorageError)
}

/// Keeps served lists apart from the log, from which they do not follow. One thread writes; any thread reads.
public protocol ListStore: AnyObject, Sendable {
    /// The log position through which attributions are kept.
    var position: Int64 { get }
    /// Does some work and notes the log position that it reaches; all of it or nothing. What a killed process wrote is
    /// there; a machine that loses power may lose the last seconds, whose attributions are then read from the log again.
    func commit(
        through position: Int64, _ work: (any ListTransaction) throws(StorageError) -> Void) throws(StorageError)
    /// A list, and the places in the log of up to `limit` interactions that name it, oldest first.
    func list(_ id: ListID, limit: Int) throws(StorageError) -> (list: StoredList, positions: [Int64])?
    /// The documents of the last `limit` lists of an audience, latest first.
    func documents(of audience: Key128, limit: Int) throws(StorageError) -> [[UInt8]]
    /// Whom a click is credited to, and for which entity: of all clicks that are kept.
    func forEachCredit(_ body: (_ person: Key128, _ entity: Key128) -> Void) throws(StorageError)
    /// All measures of the days from one to another, both included, in order of days.
    func measures(from first: Int64, through last: Int64) throws(StorageError) -> [(
        measure: ListMeasure, amount: Double
    )]
    /// Removes up to `maximum` lists made before a moment, with all that is kept of them but the measures. Says how many
    /// lists it removed.
    func expire(before milliseconds: Int64, maximum: Int) throws(StorageError) -> Int
    /// Removes the measures of the days before one.
    func expireMeasures(before day: Int64) throws(StorageError)
    /// Size on disk in bytes.
    var bytes: Int64 { get }
    /// Closes the file. Idempotent.
    func close()
}
