"""The futures account: positions, margin and the settings that it has by symbol."""
from decimal import ROUND_DOWN, Decimal

from matching import ZERO, plain
from past import number

from binance.floor import Params, Refusal
from binance.public import Public

SIDES = {False: ("BOTH",), True: ("LONG", "SHORT")}


class Margin(Public):
    def __init__(self, options, symbols, pasts, keys):
        super().__init__(options, symbols, pasts, keys)
        self.wallet, self.dual = Decimal(100_000), False
        self.positions = {}  # (symbol, side): [signed quantity, entry]
        self.leverage = {name: 20 for name in self.symbols}
        self.margin_type = {name: "CROSSED" for name in self.symbols}

    def place_of(self, order):
        return order.symbol, order.extra["position_side"]

    def held(self, order):
        return self.positions.get(self.place_of(order), (ZERO,))[0]

    def gain(self, place):
        quantity, entry = self.positions[place]
        return (self.engine.prices[place[0]] - entry) * quantity

    def used_margin(self):
        return sum(
            abs(quantity) * entry / self.leverage[name]
            for (name, _), (quantity, entry) in self.positions.items()
        )

    def free_margin(self):
        gains = sum((self.gain(place) for place in self.positions), ZERO)
        return self.wallet + min(gains, ZERO) - self.used_margin()

    def settle(self, trade):
        order = trade.order
        position = self.positions.setdefault(self.place_of(order), [ZERO, ZERO])
        signed = trade.quantity if order.side == "BUY" else -trade.quantity
        held, entry = position
        realised = ZERO
        if held == 0 or (held > 0) == (signed > 0):
            entry = (entry * abs(held) + trade.price * trade.quantity) / abs(held + signed)
        else:
            closed = min(abs(held), trade.quantity)
            realised = (trade.price - entry) * (closed if held > 0 else -closed)
            if trade.quantity >= abs(held):
                entry = trade.price if trade.quantity > abs(held) else ZERO
        position[:] = held + signed, entry
        fee = trade.quantity * trade.price * Decimal(self.settings["fee"])
        trade.fee, trade.fee_asset = fee.quantize(Decimal("1e-8"), ROUND_DOWN), "USDT"
        trade.realised = realised
        self.wallet += realised - trade.fee
        if order.extra.pop("_counted", False):
            self.limits.count_order(-1)

    def rows_of_positions(self):
        """Every symbol has a row, as in v2; v3 leaves out what is empty."""
        for name in self.symbols:
            for side in SIDES[self.dual]:
                quantity, entry = self.positions.get((name, side), (ZERO, ZERO))
                yield name, side, quantity, entry

    def position_risk(self, params):
        wanted, now, rows = params.get("symbol"), self.clock(), []
        for name, side, quantity, entry in self.rows_of_positions():
            if wanted in (None, name):
                price = self.engine.prices[name]
                rows.append(
                    {
                        "symbol": name,
                        "positionSide": side,
                        "positionAmt": plain(quantity),
                        "entryPrice": number(entry),
                        "breakEvenPrice": number(entry),
                        "markPrice": number(price),
                        "unRealizedProfit": number((price - entry) * quantity),
                        "liquidationPrice": "0",
                        "leverage": str(self.leverage[name]),
                        "marginType": "cross"
                        if self.margin_type[name] == "CROSSED"
                        else "isolated",
                        "isolatedMargin": "0.00000000",
                        "notional": number(price * quantity),
                        "marginAsset": "USDT",
                        "initialMargin": number(abs(quantity) * entry / self.leverage[name]),
                        "maintMargin": "0",
                        "updateTime": now,
                    }
                )
        return rows

    def balance(self, _):
        return [
            {
                "accountAlias": "SgsR",
                "asset": "USDT",
                "balance": number(self.wallet),
                "crossWalletBalance": number(self.wallet),
                "crossUnPnl": number(sum((self.gain(p) for p in self.positions), ZERO)),
                "availableBalance": number(self.free_margin()),
                "maxWithdrawAmount": number(self.free_margin()),
                "marginAvailable": True,
                "updateTime": self.clock(),
            }
        ]

    def account(self, _):
        gains = sum((self.gain(place) for place in self.positions), ZERO)
        whole = {
            "walletBalance": number(self.wallet),
            "unrealizedProfit": number(gains),
            "marginBalance": number(self.wallet + gains),
            "maintMargin": "0.00000000",
            "initialMargin": number(self.used_margin()),
            "positionInitialMargin": number(self.used_margin()),
            "openOrderInitialMargin": "0.00000000",
            "crossWalletBalance": number(self.wallet),
            "crossUnPnl": number(gains),
            "availableBalance": number(self.free_margin()),
            "maxWithdrawAmount": number(self.free_margin()),
        }
        names = {
            "totalInitialMargin": "initialMargin",
            "totalMaintMargin": "maintMargin",
            "totalWalletBalance": "walletBalance",
            "totalUnrealizedProfit": "unrealizedProfit",
            "totalMarginBalance": "marginBalance",
            "totalPositionInitialMargin": "positionInitialMargin",
            "totalOpenOrderInitialMargin": "openOrderInitialMargin",
            "totalCrossWalletBalance": "crossWalletBalance",
            "totalCrossUnPnl": "crossUnPnl",
            "availableBalance": "availableBalance",
            "maxWithdrawAmount": "maxWithdrawAmount",
        }
        return {
            "feeTier": 0,
            "canTrade": True,
            "canDeposit": True,
            "canWithdraw": True,
            "updateTime": 0,
            "multiAssetsMargin": False,
            **{name: whole[of] for name, of in names.items()},
            "assets": [dict(whole, asset="USDT", marginAvailable=True, updateTime=self.clock())],
            "positions": [
                dict(row, unrealizedProfit=row["unRealizedProfit"], isolated=False)
                for row in self.position_risk(Params([]))
            ],
        }

    # ---- settings of the account -------------------------------------------------------------

    def brackets(self, params):
        """One bracket a symbol: any size at the highest leverage."""
        bracket = {
            "bracket": 1,
            "initialLeverage": 125,
            "notionalCap": 1_000_000_000,
            "notionalFloor": 0,
            "maintMarginRatio": 0.004,
            "cum": 0.0,
        }
        wanted = params.get("symbol")
        names = [name for name in self.symbols if wanted in (None, name)]
        return [{"symbol": name, "brackets": [bracket]} for name in names]

    def set_leverage(self, params):
        symbol, leverage = self.symbol(params), params.integer("leverage")
        if leverage is None or not 1 <= leverage <= 125:
            raise Refusal(-4028, f"Leverage {leverage} is not valid")
        self.leverage[symbol.name] = leverage
        told = {"symbol": symbol.name, "leverage": leverage}
        return dict(told, maxNotionalValue="1000000")

    def set_margin_type(self, params):
        symbol, kind = self.symbol(params), params.need("marginType")
        if self.margin_type[symbol.name] == kind:
            raise Refusal(-4046, "No need to change margin type.")
        self.margin_type[symbol.name] = kind
        return {"code": 200, "msg": "success"}

    def get_dual(self, _):
        return {"dualSidePosition": self.dual}

    def set_dual(self, params):
        wanted = params.need("dualSidePosition") == "true"
        if wanted == self.dual:
            raise Refusal(-4059, "No need to change position side.")
        if any(quantity for quantity, _ in self.positions.values()) or self.engine.open:
            raise Refusal(-4068, "Position side cannot be changed if there exists position.")
        self.dual = wanted
        return {"code": 200, "msg": "success"}

    def told_balances(self):
        return {"USDT": {"free": plain(self.free_margin()), "wallet": plain(self.wallet)}}

    def told_positions(self):
        return [
            {"symbol": name, "side": side, "quantity": plain(quantity), "average": plain(entry)}
            for (name, side), (quantity, entry) in self.positions.items()
        ]

    def set_balances(self, given):
        self.wallet = Decimal(str(given["USDT"]))
