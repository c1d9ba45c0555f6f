public import JSON

/// What the tenant says of a user: traits of its own choosing. They are the tenant's affair; nothing is derived here.
public struct UserProfile: Sendable, Equatable {
    /// The tenant's own id.
    public var id: String
    /// Names and values.
    public var traits: JSONObject
    /// When it was made, in milliseconds since the epoch.
    public var createdAt: Int64
    /// When it last changed.
    public var updatedAt: Int64
    /// Taken out; the user's interactions and orders stay.
    public var isDeleted = false

    /// Most bytes of the traits' JSON text.
    public static let maximumBytes = 65_536

    /// A user without traits.
    public init(id: String, now: Int64) {
        self.id = id
        traits = [:]
        createdAt = now
        updatedAt = now
    }

    /// Reads a user from what a client sends, `{"id": …, "traits": {…}}`. With `stored`, what is there already stays (a
    /// patch): a trait that is null is taken out.
    public init(
        request document: JSONValue, id: String? = nil, patching stored: UserProfile? = nil, now: Int64,
        maximumIDBytes: Int = 256
    ) throws(FootfallError) {
        func wrong(_ field: String, _ sentence: String) -> FootfallError {
            FootfallError("invalid_user", sentence, path: "/\(field)")
        }
        var reader = try DocumentReader(document, path: "", code: "invalid_user")
        let ownID: String?
        switch reader.value("id") {
        case nil: ownID = nil
        case .string(let text): ownID = text
        case .integer(let number): ownID = String(number)
        default: throw wrong("id", "\"id\" must be a text or a whole number.")
        }
        guard let id = id ?? ownID, ownID?.utf8.elementsEqual(id.utf8) ?? true else {
            throw wrong("id", "A user needs an \"id\", the same as in the path if there is one.")
        }
        guard (1...maximumIDBytes).contains(id.utf8.count), !id.utf8.contains(0) else {
            throw wrong("id", "An id has 1 to \(maximumIDBytes) bytes and no U+0000.")
        }
        let members = try reader.object("traits")
        try reader.refuseRest()
        var profile = stored ?? UserProfile(id: id, now: now)
        profile.updatedAt = now
        profile.isDeleted = false
        for (name, value) in members {
            guard (1...256).contains(name.utf8.count) else {
                throw wrong("traits", "The name of a trait has 1 to 256 bytes.")
            }
            let kept: JSONValue? = stored != nil && value.isNull ? .none : value
            profile.traits[name] = kept
        }
        guard profile.traits.count <= 1000,
            JSONValue.object(profile.traits).text.utf8.count <= UserProfile.maximumBytes
        else {
            throw wrong(
                "traits", "A user has at most 1000 traits and \(UserProfile.maximumBytes) bytes of them as JSON.")
        }
        self = profile
    }

    /// As a document.
    public var document: JSONValue {
        var object: JSONObject = [
            "id": .string(id), "traits": .object(traits),
            "created_at": .string(Timestamp(milliseconds: createdAt).rfc3339),
            "updated_at": .string(Timestamp(milliseconds: updatedAt).rfc3339),
        ]
        if isDeleted { object["deleted"] = true }
        return .object(object)
    }

    /// Reads a stored document; `nil` when it is none.
    public init?(stored document: JSONValue) {
        guard let id = document["id"]?.stringValue, let traits = document["traits"]?.objectValue,
            let created = document["created_at"]?.stringValue.flatMap({ Timestamp(rfc3339: $0) }),
            let updated = document["updated_at"]?.stringValue.flatMap({ Timestamp(rfc3339: $0) })
        else { return nil }
        self.init(id: id, now: created.milliseconds)
        self.traits = traits
        updatedAt = updated.milliseconds
        isDeleted = document["deleted"]?.boolValue ?? false
    }
}
