import Foundation
import Testing

@Suite(.serialized) struct DoctorTests {
    @Test("Damaged lists are found and said, and the start that puts them aside makes the folder whole again")
    func damagedLists() throws {
        let folder = try TestFolder()
        func doctor() throws -> (status: Int32?, output: String) {
            let child = try Child.run(folder, ["doctor", "--data", folder.data, "--port", "0"])
            return (child.status, child.output)
        }
        let first = try ServerProcess(folder)
        let sent = try first.writer().post("/v1/interactions", ["type": "view", "entity_id": "p1", "user_id": "u1"])
        #expect(sent.json["tracked"] == 1)
        #expect(first.stop() == 0)
        let lists = folder.data + "/tenants/demo/lists.sqlite"
        let whole = try doctor()
        #expect(whole.status == 0 && whole.output.contains("lists.sqlite is whole"), "\(whole.output)")

        var bytes = TestFolder.bytes(lists)
        for index in bytes.indices.prefix(3000) { bytes[index] = UInt8.random(in: 0...255) }
        try TestFolder.write(bytes, to: lists)
        let damaged = try doctor()
        #expect(damaged.status == 1 && damaged.output.contains("lists.sqlite"), "\(damaged.output)")

        let second = try ServerProcess(folder)
        #expect(second.stop() == 0)
        #expect(try doctor().status == 0)
    }
}
