#pragma once
// Files under RocksDB that fail when they are told to: the k-th write or sync of a journal.
// Threads: every function from any thread.

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace weft::fault {

enum class FileFault {
    write_error,  ///< EIO, nothing written.
    short_write,  ///< Half of it is written, then EIO.
    sync_error,   ///< EIO; what was written is in the file.
    no_room,      ///< ENOSPC after half of it, from then on always.
};
[[nodiscard]] std::string name_of(FileFault fault);

class FaultyFiles final : public rocksdb::FileSystemWrapper {
public:
    FaultyFiles() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

    /// The `number`-th operation of this kind fails, counted from now on, from 1.
    void arm(FileFault fault, std::uint64_t number);
    void disarm() { armed_ = false; }
    [[nodiscard]] bool has_fired() const { return fired_; }

    const char* Name() const override { return "weft.faulty"; }
    rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      rocksdb::IODebugContext* context) override;
    rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options,
                                   std::uint64_t* bytes, rocksdb::IODebugContext* context) override;

    /// How many bytes of a write of `count` go through before it fails; nothing: all goes well.
    [[nodiscard]] std::optional<std::size_t> write_stops_at(std::size_t count);
    [[nodiscard]] bool sync_fails();
    [[nodiscard]] rocksdb::IOStatus failure() const;

private:
    [[nodiscard]] bool fires();

    std::atomic<bool> armed_{false}, fired_{false};
    std::atomic<FileFault> fault_{FileFault::write_error};
    std::atomic<std::uint64_t> left_{0};
};

}  // namespace weft::fault
