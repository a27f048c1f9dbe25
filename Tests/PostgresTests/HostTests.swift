import FoundationEssentials
import Glibc
import Logging
import Postgres
import TestSupport
import Testing

@testable import PrivateCluster

@Suite struct HostTests {
    private func connect(_ conninfo: String) async throws -> Connection {
        try await Connection.connect(ConnectionConfiguration(conninfo: conninfo), logger: Logger(label: "test"))
    }

    @Test func theSecondHostIsTakenWhenTheFirstIsDead() async throws {
        let cluster = try await SharedCluster.shared.cluster()
        let connection = try await connect(cluster.conninfo() + " host='/nonexistent,\(cluster.host)' port=5432")
        #expect(await connection.isUsable)
        await connection.close()
        let error = await #expect(throws: PostgresError.self) {
            try await connect(cluster.conninfo() + " host='/nonexistent,/nowhere'")
        }
        #expect(error?.code == .connection)
        #expect(error?.description.contains("nonexistent") == false)
    }

    @Test func readWriteSkipsAReadOnlyServer() async throws {
        let cluster = try await SharedCluster.shared.cluster()
        try await withCluster(["default_transaction_read_only": "on"]) { readOnly in
            let hosts = " host='\(readOnly.host),\(cluster.host)' port=5432"
            let any = try await connect(cluster.conninfo() + hosts)
            let insert = Query(.unprepared("CREATE TABLE t ()"))
            let error = await #expect(throws: PostgresError.self) { try await any.query(insert) }
            #expect(error?.isReadOnlyServer == true)
            await any.close()
            let writable = try await connect(cluster.conninfo() + hosts + " target_session_attrs=read-write")
            let rows = try await writable.query(
                Query(.unprepared("SELECT current_setting('default_transaction_read_only')")))
            #expect(try rows[0].text(0) == "off")
            await writable.close()
            let refused = await #expect(throws: PostgresError.self) {
                try await connect(readOnly.conninfo() + " target_session_attrs=read-write")
            }
            #expect(refused?.code == .connection)
        }
    }

    @Test func optionsOfTheConninfoAreKept() async throws {
        let cluster = try await SharedCluster.shared.cluster()
        var configuration = ConnectionConfiguration(
            conninfo: cluster.conninfo() + " options='-c work_mem=1MB -c geqo=off'")
        configuration.settings = [("work_mem", "2MB")]
        let connection = try await Connection.connect(configuration, logger: Logger(label: "test"))
        let rows = try await connection.query(
            Query(.unprepared("SELECT current_setting('work_mem'), current_setting('geqo')")))
        #expect(try rows[0].text(0) == "2MB")
        #expect(try rows[0].text(1) == "off")
        await connection.close()
    }

    @Test func aMalformedConninfoIsRefusedWithoutItsText() async throws {
        let error = await #expect(throws: PostgresError.self) { try await connect("password=secret nonsense") }
        #expect(error?.code == .usage)
        #expect(error?.debugDescription.contains("secret") == false)
    }

    @Test func verifyFullTakesOnlyTheRightAuthorityAndTheRightName() async throws {
        let folder = try TestFolder.make("tls").path
        mkdir(folder, 0o755)
        try shell(
            """
            cd '\(folder)'
            for name in ca other; do
                openssl req -x509 -newkey rsa:2048 -nodes -keyout $name.key -out $name.crt -days 2 -subj /CN=$name
            done
            openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=server
            printf 'subjectAltName=DNS:localhost' > san
            openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile san -out server.crt
            chmod 600 server.key
            if [ $(id -u) = 0 ]; then chown \(try ServerUser.current().userID) server.key; fi
            """)
        let port = try freePort()
        let settings = ["ssl": "on", "ssl_cert_file": folder + "/server.crt", "ssl_key_file": folder + "/server.key"]
        try await withCluster(settings, loopbackPort: port) { cluster in
            func conninfo(_ host: String, _ authority: String) -> String {
                cluster.conninfo() + " host=\(host) hostaddr=127.0.0.1 sslmode=verify-full"
                    + " sslrootcert='\(folder)/\(authority).crt'"
            }
            let connection = try await connect(conninfo("localhost", "ca"))
            let rows = try await connection.query(
                Query(.unprepared("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")))
            #expect(try rows[0].bool(0))
            // Larger than what OpenSSL and libpq buffer: nothing may get stuck between the two.
            let payload = [UInt8](repeating: 0x61, count: 100_003)
            let echo = Statement("echo", "SELECT $1::bytea")
            let many = try await connection.pipeline((0..<100).map { _ in Query(echo, .bytea(payload)) })
            #expect(try many.allSatisfy { try $0[0].bytes(0) == payload })
            for size in stride(from: 8000, to: 40_000, by: 997) {
                let some = [UInt8](repeating: 1, count: size)
                #expect(try await connection.query(Query(echo, .bytea(some)))[0].bytes(0) == some)
            }
            await connection.close()
            for (host, authority) in [("localhost", "other"), ("elsewhere", "ca")] {
                let error = await #expect(throws: PostgresError.self) {
                    try await connect(conninfo(host, authority))
                }
                #expect(error?.code == .connection)
            }
        }
    }

    private func withCluster(
        _ settings: [String: String], loopbackPort: Int? = nil, _ body: (PrivateCluster) async throws -> Void
    ) async throws {
        var settings = settings
        settings["fsync"] = "off"
        var configuration = ClusterConfiguration(directory: try TestFolder.make("cluster"), settings: settings)
        configuration.loopbackPort = loopbackPort
        let cluster = PrivateCluster(configuration: configuration, logger: Logger(label: "test.cluster"))
        try await cluster.start()
        if let processID = await cluster.processID { TestFolder.stopAtExit(processID) }
        do {
            try await body(cluster)
        } catch {
            try await cluster.stop(mode: .immediate)
            throw error
        }
        try await cluster.stop(mode: .immediate)
    }

    private func shell(_ script: String) throws {
        let stream = try #require(popen("set -e; exec 2>/dev/null >/dev/null; " + script, "r"))
        try #require(pclose(stream) == 0)
    }

    private func freePort() throws -> Int {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) | getsockname(socket, $0, &length)
            }
        }
        try #require(status == 0)
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
