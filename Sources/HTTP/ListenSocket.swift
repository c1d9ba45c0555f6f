internal import CMicroHTTPD
internal import Glibc

/// A socket that listens; closed, and its file removed, when it is released.
final class ListenSocket: Sendable {
    let descriptor: Int32
    /// The TCP port; 0 for a Unix socket.
    let port: UInt16
    private let path: String?

    private init(descriptor: Int32, port: UInt16, path: String?) {
        self.descriptor = descriptor
        self.port = port
        self.path = path
    }

    deinit {
        close(descriptor)
        if let path { unlink(path) }
    }

    static func open(_ configuration: HTTPServerConfiguration) throws(HTTPError) -> ListenSocket {
        if let path = configuration.unixSocketPath { return try openUnix(path) }
        return try openTCP(configuration.host, configuration.port)
    }

    private static let backlog: Int32 = 1024

    // MARK: TCP

    private static func openTCP(_ host: String, _ port: UInt16) throws(HTTPError) -> ListenSocket {
        let shown = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        var storage = sockaddr_storage()
        let family: Int32
        let size: socklen_t
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host, &four) == 1 {
            family = AF_INET
            size = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutableBytes(of: &storage) {
                $0.storeBytes(
                    of: sockaddr_in(
                        sin_family: sa_family_t(AF_INET), sin_port: port.bigEndian, sin_addr: four,
                        sin_zero: (0, 0, 0, 0, 0, 0, 0, 0)), as: sockaddr_in.self)
            }
        } else if inet_pton(AF_INET6, host, &six) == 1 {
            family = AF_INET6
            size = socklen_t(MemoryLayout<sockaddr_in6>.size)
            withUnsafeMutableBytes(of: &storage) {
                $0.storeBytes(
                    of: sockaddr_in6(
                        sin6_family: sa_family_t(AF_INET6), sin6_port: port.bigEndian, sin6_flowinfo: 0, sin6_addr: six,
                        sin6_scope_id: 0), as: sockaddr_in6.self)
            }
        } else {
            throw HTTPError(
                code: "address_unavailable",
                message: "\(host) is not an IP address: give one in digits, such as 127.0.0.1 or ::1.")
        }
        let descriptor = try make(family, shown)
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        let bound = withUnsafePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        guard bound == 0, listen(descriptor, backlog) == 0 else { throw failure(errno, shown, closing: descriptor) }
        return ListenSocket(descriptor: descriptor, port: boundPort(descriptor), path: nil)
    }

    private static func boundPort(_ descriptor: Int32) -> UInt16 {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let read = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        guard read == 0 else { return 0 }
        // The port stands at the same place for both families.
        return withUnsafeBytes(of: &storage) { UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self)) }
    }

    // MARK: Unix

    private static func openUnix(_ path: String) throws(HTTPError) -> ListenSocket {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard !path.isEmpty, path.utf8.count < room, !path.utf8.contains(0) else {
            throw HTTPError(
                code: "address_unavailable", message: "The socket's path must have 1 to \(room - 1) bytes: \(path)")
        }
        try removeStale(path)
        withUnsafeMutableBytes(of: &address.sun_path) { place in
            for (index, byte) in path.utf8.enumerated() { place[index] = byte }
        }
        let descriptor = try make(AF_UNIX, path)
        // The file takes its mode from the socket, so there is no moment in which others could connect.
        fchmod(descriptor, 0o600)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0 else { throw failure(errno, path, closing: descriptor) }
        guard chmod(path, 0o600) == 0, listen(descriptor, backlog) == 0 else {
            let error = failure(errno, path, closing: descriptor)
            unlink(path)
            throw error
        }
        return ListenSocket(descriptor: descriptor, port: 0, path: path)
    }

    /// Removes a socket file that nobody listens on. Anything else at the path is left alone.
    private static func removeStale(_ path: String) throws(HTTPError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw HTTPError(code: "address_unavailable", message: "\(path) exists and is not a socket.")
        }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { return }
        defer { close(probe) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { place in
            for (index, byte) in path.utf8.enumerated() where index < place.count - 1 { place[index] = byte }
        }
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(probe, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if connected == 0 {
            throw HTTPError(code: "socket_in_use", message: "Another process listens on \(path).")
        }
        if errno == ECONNREFUSED { unlink(path) }
    }

    // MARK: Shared

    private static func make(_ family: Int32, _ shown: String) throws(HTTPError) -> Int32 {
        let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let descriptor = socket(family, Int32(type), 0)
        guard descriptor >= 0 else { throw failure(errno, shown, closing: -1) }
        return descriptor
    }

    private static func failure(_ number: Int32, _ shown: String, closing descriptor: Int32) -> HTTPError {
        if descriptor >= 0 { close(descriptor) }
        return switch number {
        case EADDRINUSE:
            HTTPError(code: "port_in_use", message: "Cannot listen on \(shown): it is in use by another program.")
        case EADDRNOTAVAIL, EAFNOSUPPORT:
            HTTPError(
                code: "address_unavailable", message: "Cannot listen on \(shown): this machine has no such address.")
        case EACCES, EPERM:
            HTTPError(code: "permission_denied", message: "Cannot listen on \(shown): permission denied.")
        case ENOENT, ENOTDIR:
            HTTPError(code: "address_unavailable", message: "Cannot listen on \(shown): its folder does not exist.")
        default:
            HTTPError(code: "system", message: "Cannot listen on \(shown): \(String(cString: strerror(number))).")
        }
    }
}
