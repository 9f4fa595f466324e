// The version of posecore, spelled here and nowhere else: CMake and the Python build read this line.
#pragma once

#define POSECORE_VERSION "0.1.0"
