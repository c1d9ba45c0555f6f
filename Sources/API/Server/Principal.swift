internal import Domain
internal import Storage

/// On whose behalf a request comes.
struct Principal: Sendable {
    /// The tenant that its key opens; none for open routes.
    let tenant: TenantService?
    /// What the key may do.
    let scope: KeyScope
    /// Whether it came over the admin socket in the data folder.
    let isAdmin: Bool

    static let nobody = Principal(tenant: nil, scope: .write, isAdmin: false)

    /// Whether it may speak for and read of any user.
    var speaksForAnyUser: Bool { scope == .secret || isAdmin || tenant?.settings.trustsUserIDs == true }
}
