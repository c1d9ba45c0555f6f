public import Domain

/// What the live state needs to know of one interaction type of the tracking plan.
public struct LiveType: Sendable, Equatable {
    /// Canonical name.
    public var name: String
    /// Its number in the tenant's ``NameTable``.
    public var index: UInt16
    /// Weight in `trending_score`, and in `popularity_score` when it counts there. One that is not finite is taken as 0.
    public var weight: Double
    /// Weight in preferences and between neighbours, which may be below 0. One that is not finite is taken as 0.
    public var preferenceWeight: Double
    /// Whether it counts in `popularity_score`.
    public var countsInPopularity: Bool
    /// The counter it adds to: `view_count`, … Types that share one add up.
    public var counter: String
    /// Whether it is a page view of a session.
    public var isPageView: Bool

    /// A type; without a weight in preferences of its own it has the same there.
    public init(
        name: String, index: UInt16, weight: Double, preferenceWeight: Double? = nil, countsInPopularity: Bool,
        counter: String, isPageView: Bool
    ) {
        self.name = name
        self.index = index
        self.weight = weight
        self.preferenceWeight = preferenceWeight ?? weight
        self.countsInPopularity = countsInPopularity
        self.counter = counter
        self.isPageView = isPageView
    }
}

/// What the live state needs of the tracking plan and of the tenant's settings.
public struct LivePlan: Sendable, Equatable {
    /// The types of the plan, aliases left out.
    public var types: [LiveType]
    /// Half-life and window of `trending_score`. The half-life is held between 0.1 and 1,000,000 hours, the window
    /// between 1 and 720 hours: older hours are not kept.
    public var settings: TenantSettings

    /// A plan of some types under some settings.
    public init(types: [LiveType], settings: TenantSettings) {
        self.types = types
        self.settings = settings
    }
}

/// A plan turned round, so that hot paths find what they need by the type's number.
struct CompiledPlan: Sendable {
    /// Weight in `trending_score`.
    private(set) var weights: ContiguousArray<Double> = []
    /// Weight in `popularity_score`; 0 for a type that does not count there.
    private(set) var popularity: ContiguousArray<Double> = []
    /// Weight in preferences.
    private(set) var preferences: ContiguousArray<Double> = []
    /// Number of the counter; −1 for a number that is no type of the plan.
    private(set) var counters: ContiguousArray<Int16> = []
    private(set) var pageViews: ContiguousArray<Bool> = []
    /// Names of the counters, in the order of the plan.
    private(set) var counterNames: [String] = []
    /// Numbers of the counters that order lists; −2 for one that the plan does not have.
    private var ordering: ContiguousArray<Int16> = []
    /// ``OrderingCounter`` by number of the type; −1 for none.
    private var orderings: ContiguousArray<Int8> = []
    /// Whether a score can rise because an interaction leaves the window.
    private(set) var hasNegativeWeight = false
    let halfLife: Double
    let windowHours: Int32

    /// `searchType` is what pages of searches are counted under: `search_count`, which weighs nothing.
    init(_ plan: LivePlan, searchType: UInt16? = nil) {
        let hours = plan.settings.trendingHalfLifeHours
        halfLife = hours.isFinite ? min(max(hours, 0.1), 1_000_000) : 72
        windowHours = Int32(min(max(plan.settings.trendingWindowHours, 1), Int64(Slots.hoursKept)))
        let size = plan.types.map { Int($0.index) + 1 }.max() ?? 0
        weights = ContiguousArray(repeating: 0, count: size)
        popularity = weights
        preferences = weights
        counters = ContiguousArray(repeating: -1, count: size)
        pageViews = ContiguousArray(repeating: false, count: size)
        var numbers: [String: Int16] = [:]
        for type in plan.types {
            let index = Int(type.index)
            let weight = type.weight.isFinite ? type.weight : 0
            weights[index] = weight
            preferences[index] =
                type.preferenceWeight.isFinite ? min(max(type.preferenceWeight, -1e6), 1e6) : 0
            popularity[index] = type.countsInPopularity ? weight : 0
            pageViews[index] = type.isPageView
            if let number = numbers[type.counter] {
                counters[index] = number
            } else if let number = Int16(exactly: counterNames.count) {
                numbers[type.counter] = number
                counters[index] = number
                counterNames.append(type.counter)
            }
            if weight < 0 { hasNegativeWeight = true }
        }
        if let searchType, let number = numbers["search_count"] ?? Int16(exactly: counterNames.count) {
            let missing = Int(searchType) + 1 - counters.count
            if missing > 0 {
                weights.append(contentsOf: repeatElement(0, count: missing))
                popularity.append(contentsOf: repeatElement(0, count: missing))
                counters.append(contentsOf: repeatElement(-1, count: missing))
                pageViews.append(contentsOf: repeatElement(false, count: missing))
            }
            if Int(number) == counterNames.count { counterNames.append("search_count") }
            counters[Int(searchType)] = number
        }
        let numbered = OrderingCounter.allCases.map { numbers[$0.name] ?? -2 }
        ordering = ContiguousArray(numbered)
        orderings = ContiguousArray(counters.map { number in numbered.firstIndex(of: number).map(Int8.init) ?? -1 })
    }

    @inline(__always)
    func weight(_ type: UInt16) -> Double { Int(type) < weights.count ? weights[Int(type)] : 0 }

    @inline(__always)
    func preference(_ type: UInt16) -> Double { Int(type) < preferences.count ? preferences[Int(type)] : 0 }

    /// Whether a type says that something was ordered.
    @inline(__always)
    func isOrder(_ type: UInt16) -> Bool { ordering(type) == Int8(OrderingCounter.ordered.rawValue) }

    @inline(__always)
    func popularity(_ type: UInt16) -> Double { Int(type) < popularity.count ? popularity[Int(type)] : 0 }

    @inline(__always)
    func counter(_ type: UInt16) -> Int16 { Int(type) < counters.count ? counters[Int(type)] : -1 }

    /// Number of a counter that orders lists; −2 when the plan does not have it.
    @inline(__always)
    func number(_ counter: OrderingCounter) -> Int16 { ordering[counter.rawValue] }

    /// The counter that orders lists which a type adds to, by its raw value; −1 for none.
    @inline(__always)
    func ordering(_ type: UInt16) -> Int8 { Int(type) < orderings.count ? orderings[Int(type)] : -1 }

    @inline(__always)
    func isPageView(_ type: UInt16) -> Bool { Int(type) < pageViews.count && pageViews[Int(type)] }
}
