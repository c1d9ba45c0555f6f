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
