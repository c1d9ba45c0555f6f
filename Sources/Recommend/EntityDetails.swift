internal import Domain
internal import JSON

/// What filters may ask of an entity beyond what ranking needs: text as numbers of the ``Catalogue``.
public struct EntityDetails: Sendable, Equatable {
    /// When it was, or will be, published, in milliseconds since the epoch.
    public var publishedAt: Int64?
    /// When it begins.
    public var startsAt: Int64?
    /// From when on it is over: its end, else its beginning.
    public var overAt: Int64?
    /// Where it is, in degrees.
    public var place: GeoPoint?
    /// Its labels.
    public var labels: [UInt32] = []
    /// Its attributes: numbers, texts and truth values, those of lists one by one.
    public var attributes: [Attribute] = []

    /// One value of one attribute.
    public struct Attribute: Sendable, Equatable {
        /// Number of its name, nested names with dots between them.
        public var name: UInt32
        /// Its value.
        public var value: AttributeValue

        /// A value.
        public init(name: UInt32, value: AttributeValue) {
            self.name = name
            self.value = value
        }
    }

    /// Nothing is known.
    public init() {}

    /// Whether there is nothing in it.
    public var isEmpty: Bool { self == EntityDetails() }
}

/// What an attribute can be.
public enum AttributeValue: Sendable, Equatable {
    /// A number.
    case number(Double)
    /// A text, by its number.
    case text(UInt32)
    /// True or false.
    case truth(Bool)
    /// Something that is there and equals nothing: an object, or a text that is too long to be kept.
    case other
}

/// A place on Earth.
public struct GeoPoint: Sendable, Equatable, Hashable {
    /// Degrees north.
    public var latitude: Double
    /// Degrees east.
    public var longitude: Double

    /// A place; `nil` for what is none.
    public init?(latitude: Double, longitude: Double) {
        guard (-90...90).contains(latitude), (-180...180).contains(longitude) else { return nil }
        self.latitude = latitude
        self.longitude = longitude
    }
}

/// Reads an entity's attributes. Names of times and places are those of the sources and of schema.org.
struct DetailsReader {
    /// Values kept of one entity.
    static let mostValues = 64
    /// Longest text that is kept as a value, in bytes.
    static let longestText = 256
    /// Levels of objects that are looked into.
    static let depth = 3

    private static let starts: Set<String> = [
        "starts_at", "start_time", "start_date", "startTime", "startDate", "startsAt", "event_date", "eventDate",
    ]
    private static let ends: Set<String> = ["ends_at", "end_time", "end_date", "endTime", "endDate", "endsAt"]
    private static let latitudes: Set<String> = ["lat", "latitude"]
    private static let longitudes: Set<String> = ["lng", "lon", "long", "longitude"]

    private var startsAt: (moment: Int64, isDay: Bool)?
    private var endsAt: (moment: Int64, isDay: Bool)?
    private var point: (latitude: Double?, longitude: Double?) = (nil, nil)
    private var place: GeoPoint?
    private(set) var values: [(name: String, value: Value)] = []
    /// Numbers by name, but for times and places, and lists of numbers.
    private(set) var numbers: [String: Double] = [:]
    private(set) var vectors: [String: [Float]] = [:]
    /// Numbers from which on a list may be a vector, and up to which it is kept as values for filters, too.
    static let shortestVector = 3
    static let longestValues = 16
    /// How many of them are ``Value/other``.
    private var noted = 0

    /// A value before its text has a number.
    enum Value {
        case number(Double)
        case text(String)
        case truth(Bool)
        case other
    }

    init(_ attributes: String) {
        guard attributes != "{}", let document = try? JSONValue(parsing: attributes), let object = document.objectValue
        else { return }
        read(object, "", 0)
    }

    /// What was found but for the texts.
    var details: EntityDetails {
        var details = EntityDetails()
        details.place = place
        details.startsAt = startsAt?.moment
        if let last = endsAt ?? startsAt {
            details.overAt = last.isDay ? last.moment &+ Timestamp.millisecondsPerDay : last.moment
        }
        return details
    }

    private mutating func read(_ object: JSONObject, _ prefix: String, _ level: Int) {
        // Each object may be a place of its own: {"coordinates": {"lat": …, "lng": …}}.
        var own: (latitude: Double?, longitude: Double?) = (nil, nil)
        for (key, value) in object.members.map({ ($0.key, $0.value) }) {
            if DetailsReader.starts.contains(key), startsAt == nil { startsAt = DetailsReader.moment(value) }
            if DetailsReader.ends.contains(key), endsAt == nil { endsAt = DetailsReader.moment(value) }
            if DetailsReader.latitudes.contains(key) { own.latitude = DetailsReader.number(value) }
            if DetailsReader.longitudes.contains(key) { own.longitude = DetailsReader.number(value) }
            let name = prefix.isEmpty ? key : "\(prefix).\(key)"
            if let nested = value.objectValue {
                note(name)
                if level + 1 < DetailsReader.depth { read(nested, name, level + 1) }
            } else if let list = value.arrayValue {
                if let vector = DetailsReader.vector(list) {
                    if vectors[name] == nil { vectors[name] = vector }
                    guard list.count <= DetailsReader.longestValues else {
                        note(name)
                        continue
                    }
                }
                for element in list { keep(name, element) }
            } else {
                keep(name, value)
                if let number = value.doubleValue, number.isFinite, !DetailsReader.isTimeOrPlace(key) {
                    numbers[name] = number
                }
            }
        }
        if place == nil, let latitude = own.latitude, let longitude = own.longitude {
            place = GeoPoint(latitude: latitude, longitude: longitude)
        }
    }

    private static func isTimeOrPlace(_ key: String) -> Bool {
        starts.contains(key) || ends.contains(key) || latitudes.contains(key) || longitudes.contains(key)
    }

    /// A list of numbers as a vector. Whole numbers that rise, sizes for example, are values and no direction.
    private static func vector(_ list: [JSONValue]) -> [Float]? {
        guard list.count >= shortestVector else { return nil }
        var vector: [Float] = []
        vector.reserveCapacity(list.count)
        var isScale = true
        for element in list {
            guard let number = element.doubleValue, number.isFinite else { return nil }
            let next = Float(number)
            if number.rounded() != number || vector.last.map({ $0 >= next }) ?? false { isScale = false }
            vector.append(next)
        }
        return isScale ? nil : vector
    }

    private mutating func keep(_ name: String, _ value: JSONValue) {
        guard values.count - noted < DetailsReader.mostValues else { return }
        switch value {
        case .bool(let truth): values.append((name, .truth(truth)))
        case .string(let text) where text.utf8.count <= DetailsReader.longestText: values.append((name, .text(text)))
        case .string, .object: note(name)
        default:
            if let number = value.doubleValue, number.isFinite { values.append((name, .number(number))) }
        }
    }

    /// Keeps that there is something by a name, without taking the room of a value.
    private mutating func note(_ name: String) {
        if case (name, .other)? = values.last.map({ ($0.name, $0.value) }) { return }
        guard noted < DetailsReader.mostValues else { return }
        values.append((name, .other))
        noted += 1
    }

    private static func number(_ value: JSONValue) -> Double? {
        if let text = value.stringValue { return Double(text) }
        return value.doubleValue
    }

    /// A moment as RFC 3339 text, a day, or seconds or milliseconds since the epoch.
    static func moment(_ value: JSONValue) -> (moment: Int64, isDay: Bool)? {
        if let text = value.stringValue { return moment(text) }
        return value.doubleValue.flatMap { Timestamp(secondsOrMilliseconds: $0) }.map { ($0.milliseconds, false) }
    }

    /// A moment as RFC 3339 text; without a zone it is UTC, without a time the whole day.
    static func moment(_ text: String) -> (moment: Int64, isDay: Bool)? {
        guard text.utf8.count <= 40 else { return nil }
        if let moment = Timestamp(rfc3339: text) { return (moment.milliseconds, false) }
        if let moment = Timestamp(rfc3339: text + "Z") { return (moment.milliseconds, false) }
        if let moment = Timestamp(rfc3339: text + ":00Z") { return (moment.milliseconds, false) }
        if let moment = Timestamp(rfc3339: text + "T00:00:00Z") { return (moment.milliseconds, true) }
        return nil
    }
}
