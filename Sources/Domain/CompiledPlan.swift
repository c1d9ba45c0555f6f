public import Schema

/// A tracking plan ready to check interactions: names indexed by their bytes, schemas compiled. Immutable and shared by
/// all threads.
public final class CompiledPlan: Sendable {
    /// An interaction type of the plan.
    public struct InteractionType: Sendable {
        /// What the plan declares.
        public let declaration: TrackingPlan.InteractionType
        /// Its number in the tenant's ``NameTable``.
        public let index: UInt16
    }

    /// An entity type of the plan.
    public struct EntityType: Sendable {
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

    /// Compiles a plan. Throws `invalid_plan` with the path of what cannot be compiled.
    public init(_ plan: TrackingPlan, version: UInt32, names: NameTable) throws(FootfallError) {
        self.plan = plan
        self.version = version
        func number(_ name: String, path: String) throws(FootfallError) -> UInt16 {
            guard let index = names.intern(name) else {
                throw FootfallError("invalid_plan", "The tenant has used up its 65535 names.", path: path)
            }
            return index
        }
        var types: [InteractionType] = []
        for type in plan.interactionTypes {
            let index = try number(type.name, path: "/interaction_types/\(type.name)")
            types.append(InteractionType(declaration: type, index: index))
        }
        var entityTypes: [EntityType] = []
        for type in plan.entityTypes {
            let path = "/entity_types/\(type.name)"
            let index = try number(type.name, path: path)
            var schema: CompiledSchema?
            if let document = type.metadata {
                do {
                    schema = try CompiledSchema(document)
                } catch {
                    throw FootfallError("invalid_plan", error.message, path: "\(path)/metadata\(error.path)")
                }
            }
            entityTypes.append(
                EntityType(
                    name: type.name, index: index, salt: names.salt(of: index), schema: schema,
                    contexts: type.contexts.map { ByteNameIndex($0) }, contextNames: type.contexts ?? []))
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
