import Foundation
import GRDB
import Testing

@testable import CohortStore

struct StoreFileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func openLedger(_ name: String) -> StoreError? {
        storeError { () throws(StoreError) in
            _ = try NodeLedger(path: folder.file(name), patience: .milliseconds(20))
        }
    }

    private func openCohort(_ name: String, _ access: CohortStore.Access) -> StoreError? {
        storeError { () throws(StoreError) in
            _ = try CohortStore(path: folder.file(name), access: access, patience: .milliseconds(20))
        }
    }

    /// In a process of its own: the umask is the whole process's.
    @Test func `files are their owner's alone, whatever the umask, the log and its index too`() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            for mask in [0o000, 0o022, 0o277] as [mode_t] {
                umask(mask)
                let store = try Clinic.store(in: folder, name: "cohort-\(mask).sqlite")
                let ledger = try NodeLedger(path: folder.file("ledger-\(mask).sqlite"))
                try ledger.append(kind: "test", body: "{}", at: 1)
                try store.install(Clinic.next, text: Clinic.text)
                for file in ["cohort-\(mask).sqlite", "ledger-\(mask).sqlite"] {
                    for suffix in ["", "-wal", "-shm"] {
                        #expect(try folder.mode(file + suffix) == 0o600, "\(file)\(suffix)")
                    }
                }
            }
        }
    }

    @Test func `a file that others may open is refused until that is mended`() throws {
        _ = try Clinic.store(in: folder)
        _ = try NodeLedger(path: folder.file("ledger.sqlite"))
        for mode in [0o604, 0o666, 0o601] {
            for name in ["cohort.sqlite", "ledger.sqlite"] { chmod(folder.file(name), mode_t(mode)) }
            #expect(openLedger("ledger.sqlite") == .file(folder.file("ledger.sqlite"), .exposed(mode: mode)))
            #expect(
                openCohort("cohort.sqlite", .answering)
                    == .file(folder.file("cohort.sqlite"), .exposed(mode: mode)))
        }
        for name in ["cohort.sqlite", "ledger.sqlite"] { chmod(folder.file(name), 0o640) }
        #expect(openLedger("ledger.sqlite") == nil)
        #expect(openCohort("cohort.sqlite", .answering) == nil)
    }

    /// In a process of its own, whose files may not grow: SQLite has another code for its index than for the files themselves.
    @Test func `a disk without room for the log's index is told as full`() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let path = folder.file("ledger.sqlite")
            do { try NodeLedger(path: path).append(kind: "test", body: "{}", at: 1) }
            let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
            var before = rlimit()
            getrlimit(resource, &before)
            var limit = rlimit(rlim_cur: 1024, rlim_max: before.rlim_max)
            signal(SIGXFSZ, SIG_IGN)
            setrlimit(resource, &limit)
            let error = storeError { () throws(StoreError) in _ = try NodeLedger(path: path) }
            setrlimit(resource, &before)
            #expect(error == .file(path, .full))
        }
    }

    @Test func `a file is made once and a missing one is not made by accident`() throws {
        let path = folder.file("cohort.sqlite")
        #expect(openCohort("cohort.sqlite", .importing) == .file(path, .missing))
        #expect(openCohort("cohort.sqlite", .answering) == .file(path, .missing))
        try CohortStore.create(at: path)
        #expect(throws: StoreError.file(path, .alreadyExists)) { try CohortStore.create(at: path) }
        #expect(throws: StoreError.file(folder.file("none/x"), .missing)) {
            try CohortStore.create(at: folder.file("none/x"))
        }
        #expect(throws: StoreError.file(folder.file("ledger.sqlite"), .missing)) {
            _ = try NodeLedger(path: folder.file("ledger.sqlite"), creating: false)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["cohort.sqlite"])
    }

    @Test func `another program's database, another kind of ours, and what is no database are left alone`()
        throws
    {
        _ = try folder.write("This is a text file, and a rather long one at that.\n", to: "text")
        _ = try folder.write(Array(repeating: 0, count: 8192), to: "zeros")
        for (name, mode) in [("rollback", "DELETE"), ("wal", "WAL")] {
            let foreign = try DatabaseQueue(path: folder.file(name))
            try foreign.writeWithoutTransaction { db in
                try db.execute(
                    sql: """
                        PRAGMA journal_mode = \(mode);
                        CREATE TABLE notes (text);
                        INSERT INTO notes VALUES (1)
                        """)
            }
            try foreign.close()
        }
        for name in ["text", "zeros", "rollback", "wal"] { chmod(folder.file(name), 0o600) }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        for name in names {
            let before = folder.bytes(name)
            let foreign = { (noun: String) in StoreError.file(folder.file(name), .foreign(expected: noun)) }
            #expect(openLedger(name) == foreign("ledger"))
            #expect(openCohort(name, .importing) == foreign("cohort"))
            #expect(openCohort(name, .answering) == foreign("cohort"))
            #expect(folder.bytes(name) == before)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == names)
        _ = try Clinic.store(in: folder)
        #expect(
            openLedger("cohort.sqlite") == .file(folder.file("cohort.sqlite"), .foreign(expected: "ledger")))
        #expect(throws: StoreError.file(folder.path, .foreign(expected: "file"))) {
            _ = try NodeLedger(path: folder.path)
        }
    }

    @Test func `a newer schema is refused by both versions and left alone`() throws {
        _ = try NodeLedger(path: folder.file("ledger.sqlite"))
        let raw = try DatabaseQueue(path: folder.file("ledger.sqlite"))
        try raw.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 7") }
        try raw.close()
        let before = folder.bytes("ledger.sqlite")
        let error = openLedger("ledger.sqlite")
        #expect(error == .file(folder.file("ledger.sqlite"), .newer(found: 7, known: 2)))
        #expect(
            error?.description
                == "\(folder.file("ledger.sqlite")) has schema version 7 and this program knows 2; "
                + "install the newer coxswain")
        #expect(folder.bytes("ledger.sqlite") == before)
    }

    @Test func `a newer schema that is still in the log is refused too`() throws {
        _ = try NodeLedger(path: folder.file("ledger.sqlite"))
        let raw = try DatabaseQueue(path: folder.file("ledger.sqlite"))
        try raw.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = 7")
        }
        #expect(
            openLedger("ledger.sqlite") == .file(folder.file("ledger.sqlite"), .newer(found: 7, known: 2)))
        try raw.close()
    }

    @Test func `migrations run once, in order, and an older file is not read before they have`() throws {
        let path = folder.file("x.sqlite")
        let old = StoreFormat(
            noun: "test", applicationID: 77, migrations: ["CREATE TABLE a (x); INSERT INTO a VALUES (1)"],
            isCheckedWhole: true)
        var new = old
        new.migrations.append("CREATE TABLE b AS SELECT x + 1 AS x FROM a")
        new.migrations.append("UPDATE b SET x = x * 10")
        try StoreFile.createPrivate(at: path)
        _ = try StoreFile(path: path, format: old, isReadOnly: false, patience: .zero)
        #expect(throws: StoreError.file(path, .older(found: 1, known: 3))) {
            _ = try StoreFile(path: path, format: new, isReadOnly: true, patience: .zero)
        }
        for _ in 0..<2 {
            let file = try StoreFile(path: path, format: new, isReadOnly: false, patience: .zero)
            #expect(
                try file.read { try Int.fetchAll($0, sql: "SELECT x FROM a UNION SELECT x FROM b") } == [
                    1, 20,
                ])
        }
    }

    @Test func `a migration that another process has just run is not run again`() throws {
        let path = folder.file("x.sqlite")
        let format = StoreFormat(
            noun: "test", applicationID: 77, migrations: ["CREATE TABLE a (x)", "INSERT INTO a VALUES (1)"],
            isCheckedWhole: true)
        let queue = try DatabaseQueue(path: path)
        for _ in 0..<4 { try format.migrate(queue) }
        #expect(try queue.read { try Int.fetchAll($0, sql: "SELECT x FROM a") } == [1])
        #expect(try queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") } == 2)
        #expect(try queue.read { try Int.fetchOne($0, sql: "PRAGMA application_id") } == 77)
    }

    @Test func `a migration that fails leaves the version before it`() throws {
        let path = folder.file("x.sqlite")
        let good = StoreFormat(
            noun: "test", applicationID: 77, migrations: ["CREATE TABLE a (x)"], isCheckedWhole: true)
        var bad = good
        bad.migrations.append("CREATE TABLE b (x); INSERT INTO nowhere VALUES (1)")
        try StoreFile.createPrivate(at: path)
        #expect(throws: StoreError.file(path, .failed(code: 1))) {
            _ = try StoreFile(path: path, format: bad, isReadOnly: false, patience: .zero)
        }
        let file = try StoreFile(path: path, format: good, isReadOnly: false, patience: .zero)
        #expect(try file.read { try String.fetchAll($0, sql: "SELECT name FROM sqlite_schema") } == ["a"])
    }

    @Test(arguments: ["ledger.sqlite", "cohort.sqlite"])
    func `a file that another process has locked is told to be in use`(name: String) throws {
        _ = try Clinic.store(in: folder)
        _ = try NodeLedger(path: folder.file("ledger.sqlite"))
        let raw = try DatabaseQueue(path: folder.file(name))
        try raw.writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT")
        }
        let error = name == "ledger.sqlite" ? openLedger(name) : openCohort(name, .answering)
        #expect(error == .file(folder.file(name), .locked))
        #expect(
            error?.description.hasSuffix("is in use by another program; try again when that has finished")
                == true)
        try raw.close()
        #expect((name == "ledger.sqlite" ? openLedger(name) : openCohort(name, .answering)) == nil)
    }

    @Test func `a ledger with a damaged page is refused and left alone`() throws {
        do {
            let ledger = try NodeLedger(path: folder.file("ledger.sqlite"))
            for index in 0..<200 { try ledger.append(kind: "test", body: "{\"index\": \(index)}", at: index) }
        }
        var bytes = folder.bytes("ledger.sqlite")
        #expect(bytes.count > 5 * 4096)
        for offset in stride(from: bytes.count - 3 * 4096, to: bytes.count, by: 1) { bytes[offset] = 0xA5 }
        try bytes.write(to: URL(fileURLWithPath: folder.file("ledger.sqlite")))
        chmod(folder.file("ledger.sqlite"), 0o600)
        let error = openLedger("ledger.sqlite")
        #expect(error == .file(folder.file("ledger.sqlite"), .damaged))
        #expect(error?.description.hasSuffix("is damaged; restore it from a backup") == true)
        #expect(folder.bytes("ledger.sqlite") == bytes)
    }

    @Test func `a cohort cut short is refused when its rows are read`() throws {
        do {
            let store = try Clinic.store(in: folder)
            let path = try folder.write(
                Clinic.csv((0..<5000).map { "P\($0),1,1,male,PD,1" }), to: "patients.csv")
            _ = try store.importCSV(path: path, dictionary: "clinic@1", replacing: false)
        }
        let bytes = folder.bytes("cohort.sqlite")
        try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: folder.file("cohort.sqlite")))
        chmod(folder.file("cohort.sqlite"), 0o600)
        let error = storeError { () throws(StoreError) in
            let store = try CohortStore(path: folder.file("cohort.sqlite"), access: .answering)
            _ = try store.table(dictionary: "clinic@1", variables: ["months"])
        }
        #expect(error == .file(folder.file("cohort.sqlite"), .damaged))
    }

    @Test func `names with spaces, percent signs and question marks are paths like others`() throws {
        let path = folder.file("my cohort 100% ?mode=memory#1.sqlite")
        try CohortStore.create(at: path)
        _ = try CohortStore(path: path, access: .answering)
        #expect(FileManager.default.fileExists(atPath: path))
    }
}
