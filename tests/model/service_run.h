// A sequence of service calls made of bytes, run against the registry that this process has chosen and against the
// model; the first answer that differs ends it.
#pragma once

#include <span>
#include <string>

#include "registry_model.h"

namespace regent::test {

// What all sequences of a process share.
class ServiceWorld {
public:
    // After the gate was chosen. `remote`: completions come by themselves, and untouched bytes of a buffer may change.
    // False: something is not as it must be.
    bool prepare(bool remote);

    bool remote() const { return remote_; }
    const Utf16& base() const { return base_; }
    const ModelCaller& caller() const { return caller_; }

private:
    bool remote_ = false;
    Utf16 base_;
    ModelCaller caller_;
};

// Empty when every answer was the model's; else the calls of the sequence and the difference.
std::string run_services(const ServiceWorld& world, std::span<const std::uint8_t> input);

}  // namespace regent::test
