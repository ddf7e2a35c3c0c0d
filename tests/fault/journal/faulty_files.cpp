#include "tests/fault/journal/faulty_files.hpp"

#include <utility>

namespace weft::fault {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class FaultyFile final : public rocksdb::FSWritableFileOwnerWrapper {
public:
    FaultyFile(std::unique_ptr<rocksdb::FSWritableFile> file, FaultyFiles& faults)
        : FSWritableFileOwnerWrapper(std::move(file)), faults_(faults) {}

    IOStatus Append(const Slice& bytes, const IOOptions& options,
                    IODebugContext* context) override {
        return put(bytes, [&](const Slice& part) {
            return FSWritableFileOwnerWrapper::Append(part, options, context);
        });
    }
    IOStatus Append(const Slice& bytes, const IOOptions& options,
                    const rocksdb::DataVerificationInfo&, IODebugContext* context) override {
        return Append(bytes, options, context);
    }
    IOStatus PositionedAppend(const Slice& bytes, std::uint64_t at, const IOOptions& options,
                              IODebugContext* context) override {
        return put(bytes, [&](const Slice& part) {
            return FSWritableFileOwnerWrapper::PositionedAppend(part, at, options, context);
        });
    }
    IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
        if (faults_.sync_fails()) return faults_.failure();
        return FSWritableFileOwnerWrapper::Sync(options, context);
    }
    IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
        if (faults_.sync_fails()) return faults_.failure();
        return FSWritableFileOwnerWrapper::Fsync(options, context);
    }

private:
    template <class Put>
    IOStatus put(const Slice& bytes, Put put_part) {
        const auto stop = faults_.write_stops_at(bytes.size());
        if (!stop) return put_part(bytes);
        if (*stop > 0) put_part(Slice(bytes.data(), *stop)).PermitUncheckedError();
        return faults_.failure();
    }

    FaultyFiles& faults_;
};

}  // namespace

std::string name_of(FileFault fault) {
    switch (fault) {
        case FileFault::write_error:
            return "write error";
        case FileFault::short_write:
            return "short write";
        case FileFault::sync_error:
            return "sync error";
        case FileFault::no_room:
            return "no room";
    }
    return "?";
}

void FaultyFiles::arm(FileFault fault, std::uint64_t number) {
    fault_ = fault;
    left_ = number;
    fired_ = false;
    armed_ = true;
}

bool FaultyFiles::fires() {
    if (!armed_) return false;
    if (left_ > 0 && --left_ == 0) {
        fired_ = true;
        return true;
    }
    // A full disk stays full; the other faults happen once.
    return fired_ && fault_ == FileFault::no_room;
}

std::optional<std::size_t> FaultyFiles::write_stops_at(std::size_t count) {
    if (fault_ == FileFault::sync_error || !fires()) return std::nullopt;
    return fault_ == FileFault::write_error ? 0 : count / 2;
}

bool FaultyFiles::sync_fails() {
    return fault_ == FileFault::sync_error && fires();
}

IOStatus FaultyFiles::failure() const {
    return fault_ == FileFault::no_room ? IOStatus::NoSpace("No space left on device (planted)")
                                        : IOStatus::IOError("Input/output error (planted)");
}

IOStatus FaultyFiles::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      IODebugContext* context) {
    std::unique_ptr<rocksdb::FSWritableFile> real;
    IOStatus status = FileSystemWrapper::NewWritableFile(name, options, &real, context);
    // Its own log is no part of what is promised.
    const bool log = name.find("/LOG") != std::string::npos;
    if (status.ok() && !log) {
        *file = std::make_unique<FaultyFile>(std::move(real), *this);
    } else {
        *file = std::move(real);
    }
    return status;
}

IOStatus FaultyFiles::GetFreeSpace(const std::string& path, const IOOptions& options,
                                   std::uint64_t* bytes, IODebugContext* context) {
    if (armed_ && fired_ && fault_ == FileFault::no_room) {
        *bytes = 0;
        return IOStatus::OK();
    }
    return FileSystemWrapper::GetFreeSpace(path, options, bytes, context);
}

}  // namespace weft::fault
