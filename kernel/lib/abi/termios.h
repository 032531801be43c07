/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals in Linux's system-call interface: struct termios as TCGETS passes it
 * (asm-generic/termbits.h), window sizes, ioctl numbers.
 */
#ifndef LIB_ABI_TERMIOS_H
#define LIB_ABI_TERMIOS_H

#include "lib/types.h"

#define LINUX_NCCS 19

struct linux_termios {
	u32 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line;
	u8 c_cc[LINUX_NCCS];
};

/* What TCGETS2 passes. */
struct linux_termios2 {
	struct linux_termios base;
	u32 c_ispeed, c_ospeed;
};

struct linux_winsize {
	u16 ws_row, ws_col, ws_xpixel, ws_ypixel;
};

enum { /* indices of c_cc */
       VINTR = 0,
       VQUIT,
       VERASE,
       VKILL,
       VEOF,
       VTIME,
       VMIN,
       VSWTC,
       VSTART,
       VSTOP,
       VSUSP,
       VEOL,
       VREPRINT,
       VDISCARD,
       VWERASE,
       VLNEXT,
       VEOL2,
};

enum { /* c_iflag */
       IGNBRK = 0x1,
       BRKINT = 0x2,
       IGNPAR = 0x4,
       PARMRK = 0x8,
       INPCK = 0x10,
       ISTRIP = 0x20,
       INLCR = 0x40,
       IGNCR = 0x80,
       ICRNL = 0x100,
       IUCLC = 0x200,
       IXON = 0x400,
       IXANY = 0x800,
       IXOFF = 0x1000,
       IMAXBEL = 0x2000,
       IUTF8 = 0x4000,
};

enum { /* c_oflag */
       OPOST = 0x1,
       OLCUC = 0x2,
       ONLCR = 0x4,
       OCRNL = 0x8,
       ONOCR = 0x10,
       ONLRET = 0x20,
       TABDLY = 0x1800,
       XTABS = 0x1800,
};

enum { /* c_cflag */
       CBAUD = 0x100f,
       B0 = 0,
       B9600 = 0xd,
       B38400 = 0xf,
       B115200 = 0x1002,
       CS8 = 0x30,
       CREAD = 0x80,
       HUPCL = 0x400,
       CLOCAL = 0x800,
};

enum { /* c_lflag */
       ISIG = 0x1,
       ICANON = 0x2,
       ECHO = 0x8,
       ECHOE = 0x10,
       ECHOK = 0x20,
       ECHONL = 0x40,
       NOFLSH = 0x80,
       TOSTOP = 0x100,
       ECHOCTL = 0x200,
       ECHOPRT = 0x400,
       ECHOKE = 0x800,
       FLUSHO = 0x1000,
       PENDIN = 0x4000,
       IEXTEN = 0x8000,
       EXTPROC = 0x10000,
};

enum { /* ioctl requests */
       TCGETS = 0x5401,
       TCSETS = 0x5402,
       TCSETSW = 0x5403,
       TCSETSF = 0x5404,
       TCSBRK = 0x5409,
       TCXONC = 0x540A,
       TCFLSH = 0x540B,
       TIOCEXCL = 0x540C,
       TIOCNXCL = 0x540D,
       TIOCSCTTY = 0x540E,
       TIOCGPGRP = 0x540F,
       TIOCSPGRP = 0x5410,
       TIOCOUTQ = 0x5411,
       TIOCSTI = 0x5412,
       TIOCGWINSZ = 0x5413,
       TIOCSWINSZ = 0x5414,
       TIOCMGET = 0x5415,
       TIOCMBIS = 0x5416,
       TIOCMBIC = 0x5417,
       TIOCMSET = 0x5418,
       TIOCCONS = 0x541D,
       TIOCPKT = 0x5420,
       TIOCSIG = 0x40045436,
       TIOCNOTTY = 0x5422,
       TIOCSETD = 0x5423,
       TIOCGETD = 0x5424,
       TCSBRKP = 0x5425,
       TIOCSBRK = 0x5427,
       TIOCCBRK = 0x5428,
       TIOCGSID = 0x5429,
};
#define TCGETS2     0x802C542Au
#define TCSETS2     0x402C542Bu
#define TCSETSW2    0x402C542Cu
#define TCSETSF2    0x402C542Du
#define TIOCGPTN    0x80045430u
#define TIOCSPTLCK  0x40045431u
#define TIOCGPTLCK  0x80045439u
#define TIOCGPTPEER 0x5441u
#define TIOCGPKT    0x80045438u
#define TIOCGEXCL   0x80045440u

enum { TCIFLUSH = 0, TCOFLUSH = 1, TCIOFLUSH = 2, TCOOFF = 0, TCOON = 1, TCIOFF = 2, TCION = 3 };

enum { /* packet mode's first byte */
       TIOCPKT_DATA = 0,
       TIOCPKT_FLUSHREAD = 1,
       TIOCPKT_FLUSHWRITE = 2,
       TIOCPKT_STOP = 4,
       TIOCPKT_START = 8,
       TIOCPKT_NOSTOP = 16,
       TIOCPKT_DOSTOP = 32,
};

#endif
