public import Schema

/// A tracking plan ready to check interactions: names indexed by their bytes, schemas compiled. Immutable and shared by
/// all threads.
public final class CompiledPlan: Sendable {
    /// An interaction type of the plan.
    public final class InteractionType: Sendable {
        /// What the plan declares.
        public let declaration: TrackingPlan.InteractionType
        /// Its number in the tenant's ``NameTable``.
        public let index: UInt16

        init(declaration: TrackingPlan.InteractionType, index: UInt16) {
            self.declaration = declaration
            self.index = index
        }
    }

    /// An entity type of the plan.
    public final class EntityType: Sendable {
        /// Its name.
        public let name: String
        /// Its number in the tenant's ``NameTable``.
        public let index: UInt16
        /// What the keys of its entities are salted with.
        public let salt: UInt64
        /// Checks metadata; `nil`: any object.
        public let schema: CompiledSchema?
        /// The contexts allowed; `nil`: any short name.
        public let contexts: ByteNameIndex?
        /// The allowed contexts as text, for messages.
        public let contextNames: [String]

        init(_ type: TrackingPlan.EntityType, index: UInt16, salt: UInt64, schema: CompiledSchema?) {
            name = type.name
            self.index = index
            self.salt = salt
            self.schema = schema
            contexts = type.contexts.map { ByteNameIndex($0) }
            contextNames = type.contexts ?? []
        }
    }

    /// The plan as declared.
    public let plan: TrackingPlan
    /// Its version, from 1.
    public let version: UInt32
    /// Interaction types, in the plan's order.
    public let types: [InteractionType]
    /// Entity types, in the plan's order.
    public let entityTypes: [EntityType]
    /// Number of the entity type meant when none is named.
    public let defaultEntityType: Int

    private let typeNames: ByteNameIndex
    private let typeOfName: [Int]
    private let entityTypeNames: ByteNameIndex

    /// Compiles a plan. Throws `invalid_plan` with the path of what cannot be compiled, and `too_many_names` when the
    /// tenant has no numbers left for its types; a plan that is refused takes none.
    public init(_ plan: TrackingPlan, version: UInt32, names: NameTable) throws(FootfallError) {
        self.plan = plan
        self.version = version
        // Numbers are never given back, so a plan gets them when nothing else can be wrong with it, all or none.
        var schemas: [CompiledSchema?] = []
        for type in plan.entityTypes {
            guard let document = type.metadata else {
                schemas.append(nil)
                continue
            }
            do {
                schemas.append(try CompiledSchema(document))
            } catch {
                let path = "/entity_types/\(type.name)/metadata\(error.path)"
                throw FootfallError("invalid_plan", error.message, path: path)
            }
        }
        let allTypes = plan.interactionTypes.map(\.name) + plan.entityTypes.map(\.name)
        guard let numbers = names.intern(all: allTypes) else {
            throw FootfallError(
                "too_many_names",
                "A tenant's plans may name \(NameTable.capacity) types over time; \(names.count) are taken, "
                    + "and this plan has more new ones than are left.")
        }
        let types = zip(plan.interactionTypes, numbers).map { InteractionType(declaration: $0, index: $1) }
        var entityTypes: [EntityType] = []
        for ((type, schema), index) in zip(zip(plan.entityTypes, schemas), numbers.dropFirst(types.count)) {
            entityTypes.append(EntityType(type, index: index, salt: names.salt(of: index), schema: schema))
        }
        self.types = types
        self.entityTypes = entityTypes
        defaultEntityType = entityTypes.firstIndex { $0.name == plan.defaultEntityType } ?? 0
        var allNames: [String] = []
        var typeOfName: [Int] = []
        for (slot, type) in plan.interactionTypes.enumerated() {
            for name in [type.name] + type.aliases {
                allNames.append(name)
                typeOfName.append(slot)
            }
        }
        typeNames = ByteNameIndex(allNames)
        self.typeOfName = typeOfName
        entityTypeNames = ByteNameIndex(plan.entityTypes.map(\.name))
    }

    /// The type that a name or an alias stands for, and whether it is an alias.
    public func type(_ name: UnsafeRawBufferPointer) -> (type: InteractionType, isAlias: Bool)? {
        guard let number = typeNames.find(name) else { return nil }
        let slot = typeOfName[number]
        return (types[slot], number > 0 && typeOfName[number - 1] == slot)
    }

    /// The entity type with a name.
    public func entityType(_ name: UnsafeRawBufferPointer) -> EntityType? {
        entityTypeNames.find(name).map { entityTypes[$0] }
    }

    /// The type that a name or an alias stands for.
    public func type(named name: String) -> InteractionType? {
        var copy = name
        return copy.withUTF8 { type(UnsafeRawBufferPointer($0))?.type }
    }

    /// The entity type with a name.
    public func entityType(named name: String) -> EntityType? {
        var copy = name
        return copy.withUTF8 { entityType(UnsafeRawBufferPointer($0)) }
    }
}
