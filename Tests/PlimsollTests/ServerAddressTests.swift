import Testing

@testable import plimsoll

@Suite struct ServerAddressTests {
    @Test(arguments: [
        ("localhost", "localhost", 7443), ("localhost:80", "localhost", 80), ("127.0.0.1:0", "127.0.0.1", 0),
        ("[::1]:9", "::1", 9), ("[::1]", "::1", 7443), ("::1", "::1", 7443),
        ("a.example.org:65535", "a.example.org", 65_535),
    ])
    func `addresses are read`(text: String, host: String, port: Int) {
        #expect(ServerAddress(text) == ServerAddress(host: host, port: port))
    }

    @Test(arguments: [
        "", ":80", "a:", "a:b", "a:65536", "a:-1", "a:+1", "[::1", "[a]:1", "[::1]x", "a b:1", "http://a",
        "7443", "7443:1",
    ])
    func `other texts are not`(text: String) {
        #expect(ServerAddress(text) == nil)
    }

    @Test func `a list is all right or not at all`() {
        #expect(ServerAddress.list("a:1, b:2")?.map(\.description) == ["a:1", "b:2"])
        #expect(ServerAddress.list("a:1,") == [ServerAddress(host: "a", port: 1)])
        #expect(ServerAddress.list("a:1,b:x") == nil)
        #expect(ServerAddress.list("") == nil)
    }

    @Test func `a description reads back`() {
        for address in [ServerAddress(host: "::1", port: 5), ServerAddress(host: "h", port: 5)] {
            #expect(ServerAddress(address.description) == address)
        }
    }

    @Test func `who listens everywhere is reached on this machine`() {
        #expect(ServerAddress(host: "0.0.0.0", port: 1).reachable.host == "127.0.0.1")
        #expect(ServerAddress(host: "::", port: 1).reachable.host == "::1")
        #expect(ServerAddress(host: "h", port: 1).reachable.host == "h")
    }
}
