import Glibc

/// The one thread on which a connection's blocking libpq calls happen, as the executor of its actor.
///
/// `DispatchSerialQueue` does not exist on Linux, and libpq must block neither the cooperative pool nor an event
/// loop. The thread sleeps on a condition variable while there is nothing to do and ends when its connection is gone.
///
/// `@unchecked Sendable`: every stored variable is read and written only while `mutex` is held.
final class ConnectionThread: SerialExecutor, @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var jobs: [UnownedJob] = []
    private var isRunning = false
    private var isStopping = false
    private var current: pthread_t?

    /// Starts the thread. Throws `.connection` when the system has no thread to give.
    init() throws(PostgresError) {
        mutex.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
        jobs.reserveCapacity(8)
        isRunning = true
        guard startThread() else {
            isRunning = false
            throw PostgresError(.connection, "no thread for a database connection (errno \(errno))")
        }
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pthread_mutex_lock(mutex)
        jobs.append(job)
        let mustStart = !isRunning
        isRunning = true
        pthread_mutex_unlock(mutex)
        if !mustStart {
            pthread_cond_signal(condition)
        } else if !startThread() {
            // Only after `stop`, and only when threads have run out: late work must still happen somewhere.
            loop()
        }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    /// Lets the thread end as soon as its queue is empty. Does not wait: the caller may be that very thread.
    func stop() {
        pthread_mutex_lock(mutex)
        isStopping = true
        pthread_mutex_unlock(mutex)
        pthread_cond_signal(condition)
    }

    /// True on the thread itself.
    var isCurrent: Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return current.map { pthread_equal($0, pthread_self()) != 0 } ?? false
    }

    private func startThread() -> Bool {
        PlainThread.start { self.loop() }
    }

    private func loop() {
        let executor = asUnownedSerialExecutor()
        var batch: [UnownedJob] = []
        batch.reserveCapacity(8)
        while true {
            pthread_mutex_lock(mutex)
            current = pthread_self()
            while jobs.isEmpty && !isStopping {
                pthread_cond_wait(condition, mutex)
            }
            if jobs.isEmpty {
                isRunning = false
                pthread_mutex_unlock(mutex)
                return
            }
            swap(&jobs, &batch)
            pthread_mutex_unlock(mutex)
            for job in batch {
                job.runSynchronously(on: executor)
            }
            batch.removeAll(keepingCapacity: true)
        }
    }
}

/// A detached thread for one closure: the only way here to call something that blocks.
enum PlainThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// False when the system refused a thread; the closure has then not run and will not.
    static func start(_ run: @escaping @Sendable () -> Void) -> Bool {
        let body = Unmanaged.passRetained(Body(run))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        guard status == 0 else {
            body.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}
