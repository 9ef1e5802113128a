# SPDX-License-Identifier: Apache-2.0
# Compiler settings that every target shares, and the one way a room is declared.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # The sloppiness is what ccache asks for where precompiled headers are used. By the compiler's own dependency files,
  # ccache need not preprocess each file before it compiles it.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_DEPEND=1 ${CCACHE})
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(fmt REQUIRED)

add_library(cardgate_settings INTERFACE)
target_compile_options(cardgate_settings INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Werror -fstack-protector-strong
  # The compiler collects its garbage a tenth of the time otherwise; a file of ours takes 650 MB at the most.
  $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=524288>
  -pthread $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>) # one setting for all, and so that ccache sees what a precompiled header holds
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12's own std::stable_sort uses std::get_temporary_buffer.
  target_compile_options(cardgate_settings INTERFACE -Wno-deprecated-declarations)
else()
  # g++ 12 sees overlapping copies and endless lengths in libstdc++'s own strings and vectors when it optimises
  # (GCC bugs 105651, 105329).
  target_compile_options(cardgate_settings INTERFACE
    $<$<CONFIG:Release,RelWithDebInfo>:-Wno-restrict -Wno-array-bounds -Wno-stringop-overread -Wno-stringop-overflow>)
  # What it finds by following paths depends on what was inlined, so these come and go with unrelated changes: told, and
  # errors only in the builds that do not optimise.
  target_compile_options(cardgate_settings INTERFACE
    "$<$<CONFIG:Release,RelWithDebInfo>:-Wno-error=maybe-uninitialized;-Wno-error=uninitialized;-Wno-error=dangling-pointer;-Wno-error=use-after-free;-Wno-error=free-nonheap-object;-Wno-error=nonnull>")
endif()
target_compile_definitions(cardgate_settings INTERFACE
  CARDGATE_VERSION="${PROJECT_VERSION}"
  $<$<CONFIG:Release,RelWithDebInfo>:_FORTIFY_SOURCE=2>)
target_link_options(cardgate_settings INTERFACE -Wl,-z,relro -Wl,-z,now)
# Dozens of programs are linked, each out of every room: GNU's own linker takes seconds for each.
find_program(MOLD mold)
if(MOLD)
  target_link_options(cardgate_settings INTERFACE -fuse-ld=mold)
endif()
target_include_directories(cardgate_settings INTERFACE ${PROJECT_SOURCE_DIR})
if(CARDGATE_SANITIZE)
  target_compile_options(cardgate_settings INTERFACE
    -fsanitize=${CARDGATE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(cardgate_settings INTERFACE -fsanitize=${CARDGATE_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 reports false positives inside Boost and libstdc++ when a sanitizer is on.
    target_compile_options(cardgate_settings INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-tsan)
    if(CARDGATE_SANITIZE MATCHES "undefined")
      # Tests start programs by the thousand. The data of these two checks was 50 of the 60 MB that each program loads, registers
      # and relocates at its start; the address sanitizer sees null by itself, and the fuzz targets (clang) keep both.
      target_compile_options(cardgate_settings INTERFACE -fno-sanitize=null,alignment)
      target_link_options(cardgate_settings INTERFACE $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-no-pie>)
    endif()
  endif()
endif()

# What nearly every file includes, compiled once: reading it was half the time of a build. Each file still includes what
# it uses; script/lint reads them without.
add_library(cardgate_common_headers OBJECT ${PROJECT_SOURCE_DIR}/cmake/common_headers.cpp)
target_link_libraries(cardgate_common_headers PRIVATE cardgate_settings Boost::headers Boost::json fmt::fmt Threads::Threads)
target_precompile_headers(cardgate_common_headers PRIVATE <algorithm> <array> <atomic> <chrono> <cstdint> <cstring>
  <filesystem> <functional> <map> <memory> <mutex> <optional> <set> <span> <string> <string_view> <unordered_map> <utility>
  <variant> <vector> <fmt/format.h> <boost/system/result.hpp> <boost/json.hpp>)

# cardgate_share_headers(TARGET): takes over those headers; TARGET must link cardgate_base.
function(cardgate_share_headers name)
  target_precompile_headers(${name} REUSE_FROM cardgate_common_headers)
endfunction()

# The same with Asio and Beast: what the service, and who talks to it, include.
add_library(cardgate_asio_headers OBJECT EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/cmake/common_headers.cpp)
target_link_libraries(cardgate_asio_headers PRIVATE cardgate_settings Boost::headers Boost::json fmt::fmt Threads::Threads)
target_precompile_headers(cardgate_asio_headers PRIVATE <algorithm> <array> <chrono> <cstdint> <filesystem> <functional> <map>
  <memory> <optional> <string> <vector> <fmt/format.h> <boost/asio.hpp> <boost/asio/local/stream_protocol.hpp>
  <boost/beast/http.hpp> <boost/json.hpp>)

# cardgate_share_asio_headers(TARGET): takes over those instead.
function(cardgate_share_asio_headers name)
  target_precompile_headers(${name} REUSE_FROM cardgate_asio_headers)
endfunction()

# cardgate_compile_together(TARGET [FILES]): several files in one run of the compiler, which instantiates Asio's, CLI11's and
# Boost.JSON's templates once for all of them. So no two files of TARGET may give a name of their own to two things.
# -DCARDGATE_TOGETHER=OFF compiles one by one: better for who changes one file again and again.
# FILES at a time: as few runs as keep two cores busy where templates are most of the work.
function(cardgate_compile_together name)
  if(CARDGATE_TOGETHER)
    set(batch 6)
    if(ARGC GREATER 1)
      set(batch ${ARGV1})
    endif()
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${batch})
    # Says of a file that is compiled together with others what it should say of headers alone.
    target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
endfunction()

# cardgate_room(NAME sources... ): a static library NAME in namespace cardgate.
function(cardgate_room name)
  add_library(cardgate_${name} STATIC ${ARGN})
  target_link_libraries(cardgate_${name} PUBLIC cardgate_settings Boost::headers)
endfunction()
