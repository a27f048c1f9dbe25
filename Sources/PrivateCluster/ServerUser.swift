import Glibc

/// The user that the server runs as. PostgreSQL refuses to run as root, so root hands it to another user.
struct ServerUser: Sendable {
    let userID: uid_t
    let groupID: gid_t
    /// True when we are root and must become this user first.
    let mustSwitch: Bool

    /// Users tried in this order when we are root.
    static let candidates = ["postgres", "nobody"]

    static func current() throws -> ServerUser {
        guard geteuid() == 0 else { return ServerUser(userID: geteuid(), groupID: getegid(), mustSwitch: false) }
        for name in candidates {
            if let entry = getpwnam(name) {
                return ServerUser(userID: entry.pointee.pw_uid, groupID: entry.pointee.pw_gid, mustSwitch: true)
            }
        }
        throw ClusterError(
            .directory, "PostgreSQL does not run as root, and there is no user \(candidates.joined(separator: " or "))")
    }

    /// A command line that runs `command` as this user. With `diesWithUs` the kernel sends it SIGINT, a fast stop of
    /// the server, when the thread that starts it ends, by kill -9 too (PR_SET_PDEATHSIG, set by setpriv after the
    /// change of user, which would clear it).
    func wrap(_ command: [String], diesWithUs: Bool = false) throws -> [String] {
        guard mustSwitch || diesWithUs else { return command }
        if let setpriv = ServerUser.find("setpriv") {
            var words = [setpriv]
            if diesWithUs { words += ["--pdeathsig", "INT"] }
            if mustSwitch { words += ["--reuid", "\(userID)", "--regid", "\(groupID)", "--clear-groups"] }
            return words + ["--"] + command
        }
        // Without setpriv the server may outlive a killed parent; the next start then stops it.
        guard mustSwitch else { return command }
        guard let runuser = ServerUser.find("runuser"), let entry = getpwuid(userID), let name = entry.pointee.pw_name
        else {
            throw ClusterError(.spawn, "setpriv or runuser is needed to start PostgreSQL as root (util-linux)")
        }
        return [runuser, "-u", String(cString: name), "--"] + command
    }

    /// Makes a folder that only this user and root can enter, or makes an existing one so.
    func makePrivateDirectory(_ path: String) throws {
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            throw ClusterError(.directory, "\(path) cannot be made: \(String(cString: strerror(errno)))")
        }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw ClusterError(.directory, "\(path) is not a folder")
        }
        // Someone else's folder, such as one planted in /tmp, is never taken over.
        guard status.st_uid == userID || status.st_uid == geteuid() else {
            throw ClusterError(.directory, "\(path) belongs to another user")
        }
        if mustSwitch, chown(path, userID, groupID) != 0 {
            throw ClusterError(.directory, "\(path) cannot be given to user \(userID)")
        }
        guard chmod(path, 0o700) == 0 else { throw ClusterError(.directory, "\(path) cannot be made private") }
    }

    private static func find(_ program: String) -> String? {
        ["/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/"].map { $0 + program }.first { access($0, X_OK) == 0 }
    }
}
