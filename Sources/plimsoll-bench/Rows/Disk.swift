import Foundation

/// How long this machine's disk takes to make a write durable: the ground below every commit.
enum Disk {
    private static let writes = 300
    private static let bytes = 8_192

    /// Milliseconds of fdatasync after a write of 8 KiB at the end of a file in `directory`: median and 99th
    /// percentile.
    static func fsyncMilliseconds(in directory: URL) throws -> (p50: Double, p99: Double) {
        let path = directory.appending(path: "fsync").path
        let file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
        guard file >= 0 else { throw BenchError(.program, "\(path): \(String(cString: strerror(errno)))") }
        defer {
            close(file)
            unlink(path)
        }
        let block = [UInt8](repeating: 1, count: bytes)
        var times: [Double] = []
        for _ in 0..<writes {
            guard write(file, block, bytes) == bytes else {
                throw BenchError(.program, "\(path): \(String(cString: strerror(errno)))")
            }
            let start = Moment.now
            fdatasync(file)
            times.append(Double(Moment.now - start) / 1e6)
        }
        times.sort()
        return (times[times.count / 2], times[times.count * 99 / 100])
    }
}
