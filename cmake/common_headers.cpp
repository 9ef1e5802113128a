// SPDX-License-Identifier: Apache-2.0
// The target cardgate_common_headers needs a file to compile.
