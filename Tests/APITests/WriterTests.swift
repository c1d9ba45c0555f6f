import Collect
import Domain
import Foundation
import HTTP
import JSON
import Live
import Storage
import Synchronization
import Testing

@testable import API

@Suite("The writer and what runs beside it", .serialized)
struct WriterTests {
    /// Holds the writer up until the returned gate is opened, so that what is submitted meanwhile is one group.
    private func hold(_ service: TestService) -> DispatchSemaphore {
        let gate = DispatchSemaphore(value: 0)
        let isHeld = DispatchSemaphore(value: 0)
        service.tenant.change(
            { _ in
                isHeld.signal()
                gate.wait()
            }, applied: { _ in }, completion: { _ in })
        isHeld.wait()
        return gate
    }

    @Test("A look at the writer's state takes place even when the commit that it came with fails")
    func inspection() throws {
        let service = try TestService()
        defer { service.stop() }
        let gate = hold(service)
        let failed = DispatchSemaphore(value: 0)
        let looked = DispatchSemaphore(value: 0)
        let addition = CollectWork.addition(bytes: 0) { (_) throws(StorageError) in
            throw StorageError("disk_full", "The disk is full.")
        } completion: { result in
            if case .failure = result { failed.signal() }
        }
        #expect(service.tenant.collector.submit(addition))
        #expect(service.tenant.collector.submit(.inspect { _, _ in looked.signal() }))
        gate.signal()
        #expect(failed.wait(timeout: .now() + 10) == .success)
        #expect(looked.wait(timeout: .now() + 10) == .success)
    }

    @Test("A new session timeout holds from the change on, however full the queue is")
    func timeout() throws {
        let service = try TestService { $0.collector.maximumQueuedRows = 1 }
        defer { service.stop() }
        let gate = hold(service)
        let done = DispatchSemaphore(value: 0)
        service.tenant.changeSettings(["session_timeout_minutes": 5], now: noon) { _ in done.signal() }
        gate.signal()
        #expect(done.wait(timeout: .now() + 10) == .success)
        let timeout = Mutex<Int64>(0)
        let looked = DispatchSemaphore(value: 0)
        let look = CollectWork.inspect { sessions, _ in
            timeout.withLock { $0 = sessions.timeout }
            looked.signal()
        }
        #expect(service.tenant.collector.submit(look))
        #expect(looked.wait(timeout: .now() + 10) == .success)
        #expect(timeout.withLock { $0 } == 300_000)
    }

    @Test("Error reports share a commit with what waits beside them")
    func reports() throws {
        let service = try TestService()
        defer { service.stop() }
        let before = service.tenant.collector.metrics.current.commitRows.count
        let gate = hold(service)
        let done = DispatchGroup()
        for number in 0..<50 {
            done.enter()
            let error = SystemError(
                context: "test", category: "network", message: "\(number)", stack: nil, metadata: "{}", userID: nil,
                timestamp: noon)
            service.tenant.keep([error]) { failure in
                #expect(failure == nil)
                done.leave()
            }
        }
        gate.signal()
        done.wait()
        #expect(try service.tenant.store.systemErrors(limit: 100).count == 50)
        // The one that held the writer up, and one for all reports.
        #expect(service.tenant.collector.metrics.current.commitRows.count - before <= 3)
    }
}
