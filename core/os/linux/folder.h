/* SPDX-License-Identifier: MIT */
/* What the files of this folder share, and nobody else needs. */
#ifndef POLYSHM_OS_LINUX_FOLDER_H
#define POLYSHM_OS_LINUX_FOLDER_H

#define OS_FOLDER "/dev/shm"

#ifndef F_OFD_GETLK
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#endif

#endif
