// A simulated disk whose N-th call fails, and an allocator whose N-th allocation fails while it is armed. The disk's
// own allocations never do: a real one makes none.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "rtl/sim_env.h"

namespace regent::hive {

// Of this thread. 0: none fails. Counts down to the one that throws.
void fail_allocation(std::size_t number);
bool allocation_failed();  // since the last fail_allocation
class NoAllocationFails {
public:
    NoAllocationFails();
    ~NoAllocationFails();
    NoAllocationFails(const NoAllocationFails&) = delete;
    NoAllocationFails& operator=(const NoAllocationFails&) = delete;

private:
    std::size_t left_;
};

enum class Fault : std::uint8_t { io_error, disk_full, short_write, failed_sync };

class FaultEnv final : public rtl::Env {
public:
    explicit FaultEnv(const rtl::DiskImage& disk) : disk_(disk) {}

    // The call of that number (1: the next) fails, if it is of a kind that such a fault can hit.
    void arm(std::size_t number, Fault fault) {
        left_ = number;
        fault_ = fault;
        reached_ = false;
        hit_ = false;
    }
    void disarm() { left_ = 0; }
    bool reached() const { return reached_; }  // there was a call of that number
    bool hit() const { return hit_; }
    const rtl::SimEnv& disk() const { return disk_; }

    Result<std::unique_ptr<rtl::File>> open(const std::string& path, rtl::OpenMode mode) override {
        const NoAllocationFails quiet;
        const bool makes = mode != rtl::OpenMode::read && mode != rtl::OpenMode::read_write;
        RG_TRY(meet(makes, false));
        auto file = disk_.open(path, mode);
        if (!file) return file;
        return std::make_unique<FaultFile>(std::move(*file), *this);
    }
    Result<void> rename(const std::string& from, const std::string& to) override {
        const NoAllocationFails quiet;
        RG_TRY(meet(true, false));
        return disk_.rename(from, to);
    }
    Result<void> remove(const std::string& path) override {
        const NoAllocationFails quiet;
        RG_TRY(meet(false, false));
        return disk_.remove(path);
    }
    Result<void> sync_directory_of(const std::string& path) override {
        const NoAllocationFails quiet;
        RG_TRY(meet(false, true));
        return disk_.sync_directory_of(path);
    }

private:
    class FaultFile final : public rtl::File {
    public:
        FaultFile(std::unique_ptr<rtl::File> inner, FaultEnv& env) : inner_(std::move(inner)), env_(env) {}
        Result<std::uint64_t> size() override {
            RG_TRY(env_.meet(false, false));
            return inner_->size();
        }
        Result<std::size_t> read_at(std::uint64_t offset, rtl::MutableBytes out) override {
            RG_TRY(env_.meet(false, false));
            return inner_->read_at(offset, out);
        }
        Result<void> write_at(std::uint64_t offset, Bytes data) override {
            const NoAllocationFails quiet;
            const bool short_write = env_.left_ == 1 && env_.fault_ == Fault::short_write;
            const auto met = env_.meet(true, false, true);
            if (!met && short_write) RG_TRY(inner_->write_at(offset, data.first(data.size() / 2)));
            if (!met) return met;
            return inner_->write_at(offset, data);
        }
        Result<void> truncate(std::uint64_t size) override {
            const NoAllocationFails quiet;
            RG_TRY(env_.meet(false, false));
            return inner_->truncate(size);
        }
        Result<void> sync() override {
            const NoAllocationFails quiet;
            RG_TRY(env_.meet(false, true));
            return inner_->sync();
        }
        Result<void> lock() override {
            const NoAllocationFails quiet;
            RG_TRY(env_.meet(false, false));
            return inner_->lock();
        }

    private:
        std::unique_ptr<rtl::File> inner_;
        FaultEnv& env_;
    };

    // Fails when this is the call of the armed number and of a kind that the fault hits.
    Result<void> meet(bool takes_space, bool sync, bool writes = false) {
        if (left_ == 0 || --left_ != 0) return {};
        reached_ = true;
        const bool hits = fault_ == Fault::io_error || (fault_ == Fault::disk_full && takes_space) ||
                          (fault_ == Fault::short_write && writes) || (fault_ == Fault::failed_sync && sync);
        if (!hits) return {};
        hit_ = true;
        return fail(fault_ == Fault::disk_full ? STATUS_DISK_FULL : STATUS_REGISTRY_IO_FAILED);
    }

    rtl::SimEnv disk_;
    std::size_t left_ = 0;
    Fault fault_ = Fault::io_error;
    bool reached_ = false;
    bool hit_ = false;
};

}  // namespace regent::hive
