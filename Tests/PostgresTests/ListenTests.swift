import Logging
import TestSupport
import Testing

@testable import Postgres

@Suite struct ListenTests {
    @Test func aListenerHearsAndConnectsAgain() async throws {
        try await withDatabase { conninfo in
            let logger = Logger(label: "test")
            var configuration = ConnectionConfiguration(conninfo: conninfo)
            let sender = try await Connection.connect(configuration, logger: logger)
            configuration.applicationName = "listener"
            let listener = NotificationListener(configuration: configuration, channels: ["wake \"up\""], logger: logger)
            try await withThrowingTaskGroup { group in
                group.addTask { await listener.run() }
                var events = listener.events.makeAsyncIterator()
                #expect(await events.next() == .resync)
                let notify = Query(.unprepared("SELECT pg_notify('wake \"up\"', $1)"), .text("1"))
                _ = try await sender.query(notify)
                let expected = ListenerEvent.notification(Notification(channel: "wake \"up\"", payload: "1"))
                #expect(await events.next() == expected)
                _ = try await sender.query(
                    Query(
                        .unprepared(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'listener' AND datname = current_database()"
                        )))
                #expect(await events.next() == .resync)
                _ = try await sender.query(notify)
                #expect(await events.next() == expected)
                group.cancelAll()
                #expect(await events.next() == nil)
            }
            await sender.close()
        }
    }

    @Test func waitingEventsAreMergedAndBounded() async {
        let mailbox = Mailbox(limit: 2)
        func event(_ payload: String) -> ListenerEvent {
            .notification(Notification(channel: "c", payload: payload))
        }
        mailbox.put(event("1"))
        mailbox.put(event("1"))
        mailbox.put(event("2"))
        #expect(await mailbox.next() == event("1"))
        #expect(await mailbox.next() == event("2"))
        for payload in ["1", "2", "3", "4"] { mailbox.put(event(payload)) }
        #expect(await mailbox.next() == .resync)
        mailbox.put(event("5"))
        #expect(await mailbox.next() == event("5"))
        mailbox.close()
        #expect(await mailbox.next() == nil)
    }
}
