internal import FoundationEssentials

extension PrivateCluster {
    /// Next to the data, or, where that path is too long for a socket, a short one in the folder for temporary files;
    /// its name follows from the directory, so that every start and `conninfo` agree.
    static func socketDirectory(for directory: String) -> String {
        let near = directory + "/socket"
        if near.utf8.count <= socketDirectoryBytesMax { return near }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a
        for byte in directory.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let name = "plimsoll-" + String(hash, radix: 36)
        let temporary = (ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp").trimmingSuffix("/")
        let path = temporary + "/" + name
        return path.utf8.count <= socketDirectoryBytesMax ? path : "/tmp/" + name
    }

    /// In a conninfo value a backslash protects quotes and backslashes (libpq manual, section 34.1.1.1).
    static func quote(_ value: String) -> String {
        var text = ""
        for character in value {
            if character == "'" || character == "\\" { text.append("\\") }
            text.append(character)
        }
        return text
    }
}

extension String {
    /// Without any of `suffix` at its end; a lone one stays.
    func trimmingSuffix(_ suffix: Character) -> String {
        var text = Substring(self)
        while text.count > 1, text.last == suffix { text.removeLast() }
        return String(text)
    }
}
