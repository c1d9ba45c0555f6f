internal import Domain
internal import Live

extension LivePlan {
    /// What the live state needs of a compiled plan and the settings.
    init(_ plan: CompiledPlan, _ settings: TenantSettings) {
        self.init(
            types: plan.types.map { type in
                LiveType(
                    name: type.declaration.name, index: type.index, weight: type.declaration.weight,
                    preferenceWeight: type.declaration.preferenceWeight,
                    countsInPopularity: type.declaration.countsInPopularity, counter: type.declaration.counter,
                    isPageView: type.declaration.isPageView)
            }, settings: settings)
    }
}

extension CompiledPlan {
    /// Numbers of the types that say that something was ordered.
    var orderTypes: [UInt16] { types.filter { $0.declaration.counter == "order_count" }.map(\.index) }
}
